"""The page: whole, accessible, safe with hostile names, true with nothing in it, and small with very much in it."""

import base64
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from PIL import Image

from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.usage import Usage, WorkSeconds
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.run_report.gallery import MOST_BYTES, MOST_PICTURES, sheets
from reelmill_stages.run_report.page import page
from reelmill_stages.run_report.words import brief, number
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.summarise import summarise
from report.generated_store import GeneratedStore, item

DONE, FILTERED, FAILED = Outcome.DONE, Outcome.FILTERED, Outcome.FAILED
MEGABYTE = 1_000_000
LIMIT = 5 * MEGABYTE
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</style><script>1</script>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[2J\x1b[31mred",
    "\u202egnp.exe\u2066",
    "$\\frac{1}{0}$ $x_$",
    "a\x00b\ufffe\ud800",
    "&amp;&lt;&#x3c;",
    "word " * 2000,
]
SHOWN = {
    "\x1b": "\\x1b", "\x00": "\\x00", "\u202e": "\\u202e", "\u2066": "\\u2066", "\ufffe": "\ufffd"
}  # fmt: skip
"""How characters are shown that are not shown as they are."""


@cache
def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((200, 120), 80).convert("RGB").save(file, "JPEG", quality=80)
    return file.getvalue()


def shoot(items: Sequence[Item]) -> Iterator[Shot]:
    for one in items:
        yield Shot(problem=f"cannot be decoded: {one.key}") if "bad" in one.key else Shot(picture(), 200, 120)


def html_of(store: GeneratedStore, document: str = "kind: VideoPipeline\n", name: str = "made") -> str:
    seen = cut(store.store, store.task)
    found = summarise(store.store, seen, RunDefinition(name=name, tolerances=dict.fromkeys(store.stages)))
    shown = sheets(found, seen.reads(), lambda _: True, shoot)
    return page(found.summary, seen.reads(), shown, document).decode()


def tree_of(html: str) -> Element:
    return ElementTree.fromstring(html)


def texts(tree: Element) -> str:
    return " ".join("".join(tree.itertext()).split())


def check(html: str) -> Element:
    """The rules that every report keeps."""
    tree = tree_of(html)
    assert tree.tag == "html"
    assert tree.get("lang") == "en"
    assert not list(tree.iter("script"))
    assert [each for each in tree.iter() if any(name.startswith("on") or name == "style" for name in each.attrib)] == []
    policy = tree.find("head/meta[@http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert "default-src 'none'" in str(policy.get("content"))
    for each in tree.iter():
        for name in ("src", "srcset", "href"):
            address = each.get(name)
            assert address is None or address.startswith(("data:image/", "#"))
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    targets = {str(each.get("href"))[1:] for each in tree.iter("a")}
    named = {name for each in tree.iter() for name in str(each.get("aria-labelledby") or "").split()}
    assert targets | named <= set(ids)
    assert all(each.get("alt") for each in tree.iter("img"))
    for table in tree.iter("table"):
        assert "".join(table.find("caption").itertext()).strip()  # type: ignore[union-attr]
        assert all(cell.get("scope") in ("col", "row") for cell in table.iter("th"))
        columns = len(table.findall("thead/tr/th"))
        assert all(len(list(row)) == columns for row in table.findall("tbody/tr"))
    levels = [int(each.tag[1]) for each in tree.iter() if re.fullmatch(r"h[1-6]", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - before <= 1 for before, later in itertools.pairwise(levels))
    for image in tree.iter("img"):
        kind, _, data = str(image.get("src")).partition(";base64,")
        if kind == "data:image/svg+xml":
            assert ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")
    assert len(html.encode()) < LIMIT
    return tree


def test_a_field_with_one_value_has_its_numbers_and_no_plot(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    items = [item(f"v{number}", duration=2.0, codec="h264", other=number) for number in range(3)]
    done = [LedgerRow(one.key, 0, DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    tree = check(html_of(store))
    plotted = {str(each.get("alt")).split()[2] for each in tree.iter("img") if "Distribution" in str(each.get("alt"))}
    tables = {"".join(each.itertext()).split(":")[0] for each in tree.iter("caption")}
    assert "other" in plotted
    assert not {"duration", "codec"} & plotted
    assert {"duration", "codec", "other"} <= tables


def test_014_f07_a_report_has_a_way_past_the_top_landmarks_and_a_table_beside_each_plot(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store")
    items = [item(f"v{number}", duration=number / 7, measures={"luma": number}) for number in range(30)]
    done = [LedgerRow(one.key, 0, DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    store.commit("keep", items[:20], [*done[:20], *(LedgerRow(one.key, 0, FILTERED, "dark") for one in items[20:])])
    tree = check(html_of(store))
    found = tree.find("body")
    body = [] if found is None else list(found)
    assert (body[0].get("class"), body[0].get("href")) == ("skip", "#content")
    assert tree.find(".//main[@id='content']") is not None
    plots = list(tree.iter("picture"))
    assert len(plots) >= 4
    assert len(list(tree.iter("table"))) >= len(plots)
    assert "10 filtered" in texts(tree)
    assert len(tree.findall(".//ul[@class='sheet']/li")) == 6 + 12


def test_equal_states_give_equal_bytes(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store")
    items = [item(f"v{number}", duration=number / 7) for number in range(9)]
    done = [LedgerRow(one.key, 0, DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    assert html_of(store) == html_of(store)


def test_014_f05_nothing_at_all_is_said_to_be_nothing(tmp_path: Path) -> None:
    tree = check(html_of(GeneratedStore(tmp_path / "store"), document=""))
    said = texts(tree)
    for sentence in (
        "No run has listed the sources, so no stage has anything to do.",
        "The store has no closed pass of this pipeline.",
        "Nothing was lost",
        "No item has a field",
        "There is nothing to see",
        "No pass is closed yet.",
    ):
        assert sentence in said


def test_014_f05_a_run_of_which_everything_failed_is_told_with_examples_that_have_no_picture(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store")
    items = [item(f"bad{number}") for number in range(40)]
    store.commit("raw", items, [LedgerRow(one.key, 0, DONE) for one in items], kind="listing")
    store.commit("clips", [], [LedgerRow(one.key, 0, FAILED, "corrupt", "no frame in it") for one in items])
    tree = check(html_of(store))
    word = tree.find(".//span[@class='word failed']")
    assert word is not None
    said = texts(tree)
    assert "clips lost 40 of 40 items to failures" in said
    assert said.count("cannot be decoded: bad") == 6
    assert said.count("no frame in it") == 6


def test_014_f06_a_hostile_text_is_text_wherever_it_stands(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    keys = [text.encode(errors="replace").decode() for text in HOSTILE]
    items = [
        item(prefix + key, uri=key, measures={key: 1, "camera": key}, text=key)
        for key in keys
        for prefix in ("", "bad")
    ]
    store.commit("raw", items, [LedgerRow(one.key, 0, DONE) for one in items], kind="listing")
    lost = [LedgerRow(f"{prefix}{key}", 0, FAILED, key, key) for key in keys for prefix in ("", "bad")]
    store.commit("clips", items, [*lost, *(LedgerRow(f"{one.key}-", 0, DONE) for one in items)])
    html = html_of(store, document="\n".join(keys), name="".join(keys))
    tree = check(html)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe]", html)
    assert "".join(SHOWN.get(one, one) for one in "".join(keys))[:100] in str(tree.findtext(".//h1/bdi"))
    captions = {str(each.findtext("bdi")) for each in tree.iter("figcaption")}
    for key in keys:
        assert "".join(SHOWN.get(one, one) for one in brief(key)) in captions


@pytest.mark.store  # needs no server, but some seconds
def test_sixty_four_stages_with_long_names_fit(tmp_path: Path) -> None:
    stages = tuple(f"a-stage-with-quite-a-long-name-for-what-it-is-{number:02d}" for number in range(64))
    store = GeneratedStore(tmp_path / "store", stages=stages)
    items = [item(f"{'folder/' * 20}v{number}.mp4", duration=1.0, measures={"luma": number}) for number in range(4)]
    done = [LedgerRow(one.key, 0, DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    for name in stages:
        lost = [LedgerRow(f"x{number}", 0, FILTERED, f"reason_{number}", "because " * 30) for number in range(8)]
        store.commit(name, items, [*done, *lost])
    tree = check(html_of(store))
    rows = tree.findall(".//section[@aria-labelledby='funnel']//tbody/tr")
    assert len(rows) == 65
    shown = [each for each in tree.iter("img") if str(each.get("src")).startswith("data:image/jpeg")]
    assert 0 < len(shown) <= MOST_PICTURES


def test_what_was_used_is_shown_and_its_price_where_it_is_known(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    items = [item("v0", duration=3600.0)]
    done = [LedgerRow("v0", 0, DONE)]
    store.commit("raw", items, done, kind="listing")
    work = WorkSeconds(decode=60, compute=20)
    used = Usage(
        cpu_seconds=5400, gpu_seconds=600, gpu_decoder_seconds=90, pod_seconds=7200, bytes_read=10**9, work=work
    )
    store.commit("clips", items, done, total_usage=used)
    seen = cut(store.store, store.task)
    known: tuple[tuple[dict[str, float], str | None], ...] = (({}, None), ({"clips": 0.75}, "1.50"))
    for prices, cost in known:
        definition = RunDefinition(name="made", hour_prices=prices, currency="EUR" if prices else "")
        html = page(summarise(store.store, seen, definition).summary, seen.reads(), [], "").decode()
        table = check(html).find(".//section[@aria-labelledby='throughput']//table")
        assert table is not None
        head, row = ([" ".join("".join(cell.itertext()).split()) for cell in each] for each in table.iter("tr"))
        shown = dict(zip(head, row, strict=True))
        assert (shown["CPU"], shown["GPU"]) == ("1h 30m", "10m 00s1m 30s of decoders")
        assert (shown["Pods"], shown["Read"], shown["Written"]) == ("2h 00m", "1.0 GB", "–")
        assert shown["Bound by"] == "decode"
        assert shown.get("Cost EUR") == cost


def test_pictures_stop_at_their_limit(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    items = [item(f"v{number}") for number in range(12)]
    done = [LedgerRow(one.key, 0, DONE) for one in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    seen = cut(store.store, store.task)
    found = summarise(store.store, seen, RunDefinition(name="made"))
    (sheet,) = sheets(
        found, seen.reads(), lambda _: True, lambda some: (Shot(bytes(MOST_BYTES // 4), 1, 1) for _ in some)
    )
    assert sum(bool(one.shot.jpeg) for one in sheet.pictures) == 4
    assert sum("omitted" in one.shot.problem for one in sheet.pictures) == 8


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001234, "0.00123"), (2.5, "2.5"), (999.6, "1,000"), (4512.3, "4,510"), (12345.6, "12,300"), (1e15, "1e+15")],
)
def test_rates_are_written_without_exponents(value: float, text: str) -> None:
    assert number(value, digits=3) == text
