"""The dashboard in a headless Chromium, from the list of pipelines to a clip that plays."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.places import SCRIPT

pytestmark = pytest.mark.web
BASE = "/pipelines/default/hostile"
PATIENCE_MS = 120_000
"""For what a page does of its own accord after an input: it is not done when the input returns."""


def until(tab: Any, condition: Callable[[], bool]) -> None:
    """Wait for what a page becomes. playwright's own wait evaluates texts in the page, which its policy forbids."""
    for _ in range(PATIENCE_MS // 100):
        if condition():
            return
        tab.wait_for_timeout(100)
    assert condition()


def test_from_the_list_to_a_clip_that_plays(tab: Any) -> None:
    tab.goto("/")
    tab.get_by_role("link", name="hostile").click()
    tab.get_by_role("heading", name="hostile").wait_for()
    tab.get_by_role("link", name="items of keep").click()
    tiles = tab.locator(".tile")
    until(tab, lambda: tiles.count() == 4)
    picture = tiles.first.locator("img")
    until(tab, lambda: picture.evaluate("image => image.naturalWidth > 0"))
    assert picture.is_visible()
    tiles.first.get_by_role("link", name=re.compile("^Play")).click()
    until(tab, lambda: tab.evaluate("document.querySelector('.tile video')?.currentTime > 0.1"))


def test_a_caption_that_is_a_script_is_a_text(tab: Any) -> None:
    tab.goto(f"{BASE}/stages/clips/items")
    assert SCRIPT in tab.locator("main").inner_text()
    tab.get_by_text(SCRIPT).first.click()


def test_typing_filters_the_list_without_a_new_page(tab: Any) -> None:
    tab.goto("/")
    tab.evaluate("window.kept = true")
    tab.keyboard.press("/")
    tab.keyboard.type("nobody")
    tab.get_by_text("No pipeline matches").wait_for()
    until(tab, lambda: "q=nobody" in tab.url)
    tab.get_by_role("searchbox").fill("host")
    tab.get_by_role("link", name="hostile").wait_for()
    assert tab.evaluate("window.kept")


def test_items_are_sorted_and_filtered_by_a_field(tab: Any) -> None:
    tab.goto(f"{BASE}/stages/clips/items")
    tab.locator("select[name=sort]").select_option("duration")
    tab.get_by_label("largest first").check()
    tab.locator("select[name=field]").select_option("duration")
    tab.locator("input[name=value]").fill("0.8")
    tab.get_by_role("button", name="Show").click()
    until(tab, lambda: "value=0.8" in tab.url)
    tab.get_by_text(re.compile(r"^\d items$")).wait_for()
    values = [float(text.split()[-1]) for text in tab.locator(".tile .value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert min(values) >= 0.8
    tab.locator(".histogram svg").wait_for()


def test_losses_have_examples_and_an_item_its_history(tab: Any) -> None:
    tab.goto(f"{BASE}/stages/keep")
    tab.locator(".examples li").first.wait_for()
    tab.locator(".examples .key a").first.click()
    tab.get_by_text("What became of it").wait_for()
    assert "short" in tab.locator(".history").inner_text()
    tab.wait_for_load_state()  # only then the page hears keys
    here = tab.url
    tab.keyboard.press("ArrowRight")
    tab.wait_for_url(lambda address: address != here)


def test_a_picture_that_cannot_be_made_leaves_its_place_empty(tab: Any) -> None:
    tab.route("**/frame.jpg", lambda route: route.fulfill(body="not a picture", content_type="image/jpeg"))
    tab.goto(f"{BASE}/stages/keep/losses")
    pictures = tab.locator(".thumb img")
    assert pictures.count() > 0
    until(tab, lambda: not any(each.is_visible() for each in pictures.all()))


def test_a_page_that_is_open_renews_itself(tab: Any) -> None:
    tab.goto("/")
    renews = lambda answer: answer.request.headers.get("hx-target") == "pipelines"  # noqa: E731
    with tab.expect_response(renews, timeout=PATIENCE_MS):
        pass


@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.parametrize(
    "path", ["/", BASE, f"{BASE}/stages/keep", f"{BASE}/stages/clips/items", f"{BASE}/stages/clips/items/2"]
)
def test_no_page_is_wider_than_its_window(tab: Any, path: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(path)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    "path", ["/", BASE, f"{BASE}/stages/keep", f"{BASE}/stages/clips/items", f"{BASE}/stages/clips/items/2"]
)
def test_every_control_and_picture_has_a_name_and_can_be_reached_by_keys(tab: Any, path: str) -> None:
    tab.goto(path)
    nameless = tab.evaluate("""() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select')]
        .filter((each) => !each.closest('[aria-hidden=true]') && each.tabIndex >= 0)
        .filter((each) => !(each.getAttribute('aria-label') || each.innerText || each.labels?.length))
        .map((each) => each.outerHTML.slice(0, 200))""")
    assert nameless == []
    assert tab.evaluate("[...document.images].every((each) => each.hasAttribute('alt'))")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.innerText") == "Skip to content"
    assert tab.locator("h1").count() == 1
    assert tab.locator("main").count() == 1


def test_a_filter_that_is_chosen_during_a_poll_holds(tab: Any) -> None:
    held: dict[str, Any] = {}

    def hold(route: Any) -> None:
        name = "filter" if "q=nobody" in route.request.url else "poll"
        if name in held or route.request.headers.get("hx-target") != "pipelines":
            route.continue_()
        else:
            held[name] = route

    tab.goto("/")
    tab.route("**/*", hold)
    until(tab, lambda: "poll" in held)
    tab.get_by_role("searchbox").fill("nobody")
    tab.wait_for_timeout(1000)  # in which the page could ask for the filtered list
    for name in ("poll", "filter"):
        until(tab, lambda name=name: name in held)
        held[name].fulfill(response=held[name].fetch())
        tab.wait_for_timeout(100)
    tab.get_by_text("No pipeline matches").wait_for()
