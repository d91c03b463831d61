"""The dashboard in a headless Chromium while it, or its store, does not respond."""

from pathlib import Path
from typing import Any

import pytest

from dashboard.hanging_bucket import dashboard_over, hanging_bucket

pytestmark = pytest.mark.web
PATIENCE_MS = 120_000


def test_a_page_whose_first_update_is_lost_says_so_and_asks_again(chromium: Any, tmp_path: Path) -> None:
    with hanging_bucket() as server, dashboard_over(server, tmp_path) as (_, address):
        tab = chromium.new_page(base_url=address)
        tab.set_default_timeout(PATIENCE_MS)
        lost: list[str] = []

        def lose_the_first(route: Any) -> None:
            if lost or route.request.headers.get("hx-target") != "pipelines":
                route.continue_()
            else:
                lost.append(route.request.url)
                route.abort("connectionreset")

        tab.route("**/*", lose_the_first)
        notice = tab.get_by_text("The dashboard does not respond.")
        with tab.expect_response(lambda answer: answer.request.headers.get("hx-target") == "pipelines") as answered:
            tab.goto("/")
            tab.get_by_text("Reading…").wait_for()
            notice.wait_for()
        assert lost
        assert answered.value.status == 200
        notice.wait_for(state="hidden")
        tab.close()
