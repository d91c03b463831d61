"""A run report in a headless Chromium: by keyboard alone, and on paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.rows import LedgerRow, Outcome
from report.generated_store import GeneratedStore, item
from report.test_page import html_of

pytestmark = pytest.mark.web


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    store = GeneratedStore(folder / "store")
    items = [
        item(f"v{number}", duration=number / 7, codec="h264", measures={f"m{one}": number * one for one in range(12)})
        for number in range(40)
    ]
    done = [LedgerRow(one.key, 0, Outcome.DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    lost = [LedgerRow(one.key, 0, Outcome.FILTERED, "dark", "a message " * 9) for one in items[30:]]
    store.commit("keep", items[:30], done[:30] + lost)
    path = folder / "report.html"
    path.write_text(html_of(store, document="kind: VideoPipeline\n" + "# a long line " * 30))
    return path


@pytest.fixture
def sheet(chromium: Any, report: Path) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(120_000)
    found = context.new_page()
    found.goto(report.as_uri())
    yield found
    context.close()


def test_014_f08_the_keyboard_passes_the_contents_and_reaches_every_table_and_shows_where_it_is(sheet: Any) -> None:
    sheet.keyboard.press("Tab")
    assert sheet.evaluate("document.activeElement.className") == "skip"
    assert sheet.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    sheet.keyboard.press("Enter")
    sheet.wait_for_url("**#content")
    reached, outlines = [], set()
    for _ in range(200):
        sheet.keyboard.press("Tab")
        tag = sheet.evaluate("document.activeElement.tagName")
        if tag == "BODY":
            break
        reached.append(tag)
        outlines.add(sheet.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert reached.count("DIV") == sheet.locator(".scroll").count()
    assert reached.count("SUMMARY") == sheet.locator("summary").count()
    assert outlines == {"solid"}


def test_014_f09_paper_has_all_that_the_screen_has_and_nothing_is_wider_than_it(sheet: Any) -> None:
    sheet.emulate_media(media="print")
    sheet.set_viewport_size({"width": 703, "height": 1017})  # A4 without the margins of the style
    wide = """() => [...document.querySelectorAll('main *')]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML)"""
    assert sheet.evaluate(wide) == []
    assert not sheet.locator("nav").is_visible()
    assert sheet.locator("details pre").count() > 0
    assert all(
        sheet.locator("details pre").evaluate_all(
            "all => all.map(one => one.checkVisibility() && one.offsetHeight > 20)"
        )
    )
    boxes = "all => all.map(one => one.scrollWidth - one.clientWidth)"
    assert set(sheet.locator("pre, .scroll").evaluate_all(boxes)) == {0}
    assert sheet.pdf(format="A4").startswith(b"%PDF")
