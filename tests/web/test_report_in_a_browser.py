"""A run report in a headless Chromium: at three sizes, light and dark, by keyboard alone, and on paper."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.rows import LedgerRow, Outcome
from report.generated_store import GeneratedStore, item
from report.test_page import html_of

pytestmark = pytest.mark.web


SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
CONTRAST = """() => {
    const channel = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const numbers = (colour) => (colour.match(/[0-9.]+/g) || []).map(Number);
    const luminance = (colour) => {
        const [red, green, blue] = numbers(colour).map((value) => channel(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (one) => {
        for (let each = one; each; each = each.parentElement) {
            const found = getComputedStyle(each).backgroundColor;
            if ((numbers(found)[3] ?? 1) === 1) return found;
        }
        return 'rgb(255, 255, 255)';
    };
    const told = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility()
        && [...one.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim()));
    return told.map((one) => {
        const both = [luminance(getComputedStyle(one).color), luminance(behind(one))];
        const [darker, lighter] = both.sort((a, b) => a - b);
        return [(lighter + 0.05) / (darker + 0.05), one.outerHTML.slice(0, 200)];
    });
}"""
"""Each element with a text of its own: the contrast with what lies behind it, as WCAG defines it, and its source."""


def whole(store: GeneratedStore) -> None:
    items = [
        item(f"v{number}", duration=number / 7, codec="h264", measures={f"m{one}": number * one for one in range(12)})
        for number in range(40)
    ]
    done = [LedgerRow(one.key, 0, Outcome.DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    lost = [LedgerRow(one.key, 0, Outcome.FILTERED, "dark", "a message " * 9) for one in items[30:]]
    store.commit("keep", items[:30], done[:30] + lost)


def failed(store: GeneratedStore) -> None:
    items = [item(f"v{number}") for number in range(9)]
    store.commit("raw", items, [LedgerRow(one.key, 0, Outcome.DONE) for one in items], kind="listing")
    store.commit("clips", [], [LedgerRow(one.key, 0, Outcome.FAILED, "no_video", "x" * 300) for one in items])


def nothing(store: GeneratedStore) -> None:
    store.commit("raw", kind="listing")


def written(folder: Path, fill: Callable[[GeneratedStore], None]) -> Path:
    """The report of a store, in a file."""
    store = GeneratedStore(folder / "store")
    fill(store)
    path = folder / "report.html"
    path.write_text(html_of(store, document="kind: VideoPipeline\n" + "# a long line " * 30))
    return path


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {fill.__name__: written(tmp_path_factory.mktemp("report"), fill) for fill in (whole, failed, nothing)}


@pytest.fixture
def sheet(chromium: Any, reports: dict[str, Path]) -> Iterator[Any]:
    """A fresh tab with the report; whatever it says in the console, or loads from elsewhere, fails the test."""
    context = chromium.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(120_000)
    found = context.new_page()
    said: list[str] = []
    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("request", lambda request: said.append(request.url) if request.url[:5] not in ("file:", "data:") else None)
    found.goto(reports["whole"].as_uri())
    yield found
    context.close()
    assert said == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["whole", "failed", "nothing"])
def test_each_report_fits_its_window_and_is_readable_in_light_and_dark(
    sheet: Any, reports: dict[str, Path], state: str, size: str, colours: str
) -> None:
    width, height = SIZES[size]
    sheet.set_viewport_size({"width": width, "height": height})
    sheet.emulate_media(color_scheme=colours)
    sheet.goto(reports[state].as_uri())
    assert sheet.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert sheet.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert (sheet.locator(".plot img").count() > 3) == (state == "whole")
    contrasts = sheet.evaluate(CONTRAST)
    assert len(contrasts) > 20
    assert [source for contrast, source in contrasts if contrast < 4.5] == []
    paper = sheet.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[colours]
    assert sheet.locator("h1").count() == 1
    assert sheet.locator("main").count() == 1


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
