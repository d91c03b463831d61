"""Ctrl-C ends a dashboard whose store does not respond."""

import signal
from pathlib import Path

import pytest

from dashboard.hanging_bucket import dashboard_over, hanging_bucket

pytestmark = pytest.mark.store  # starts a process
PATIENCE_SECONDS = 120
"""A read of the store waits longer: for each of its attempts, the timeout of a read."""


def test_ctrl_c_does_not_wait_for_a_store_that_does_not_respond(tmp_path: Path) -> None:
    with hanging_bucket() as server, dashboard_over(server, tmp_path) as (process, address):
        assert address.startswith("http://localhost:")
        assert server.is_asked.wait(PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert list(tmp_path.iterdir()) == [], "the temporary folder is removed"
