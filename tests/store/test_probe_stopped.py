"""A probe of a store that is stopped while its writers start: SIGTERM may arrive between any two of them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.task import StoreRef
from reelmill_stages.store.open import open_store
from reelmill_stages.store.probe import probe


class Stopped(BaseException):
    """What a signal handler raises."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("started", range(7))
def test_a_probe_ends_whenever_it_is_stopped(started: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit, number, stopped = ThreadPoolExecutor.submit, count(), threading.current_thread()

    def submit_some(pool: ThreadPoolExecutor, *given: Any, **named: Any) -> Any:
        if threading.current_thread() is stopped and next(number) == started:
            raise Stopped
        return submit(pool, *given, **named)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_some)
    with pytest.raises(Stopped):
        probe(open_store(StoreRef(uri=str(tmp_path / "store")), env={}))
    assert not list((tmp_path / "store").rglob("probe-*/*"))
