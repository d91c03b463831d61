"""Names, captions and messages are hostile: on a page they are text, whatever is in them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dashboard.markup import Markup
from dashboard.places import NAMES, SCRIPT, TEXTS
from reelmill_stages.dashboard.views.models import Gallery, ItemView, Tile
from reelmill_stages.dashboard.web.text import ago, moment_text, shown, templates

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline

BASE = "/pipelines/default/hostile"
PAGES = (
    "/",
    BASE,
    f"{BASE}/yaml",
    f"{BASE}/stages/clips",
    f"{BASE}/stages/clips/items",
    f"{BASE}/stages/captions/items",
    f"{BASE}/stages/keep/losses",
    f"{BASE}/stages/keep/logs",
    f"{BASE}/stages/clips/items/0",
    f"{BASE}/stages/clips/items?where=text~%3Cscript%3E&sort=text",
    f"{BASE}/stages/clips/items?sort=%3Cscript%3E",
    "/?q=%22%3E%3Cscript%3E",
    "/%3Cscript%3Ealert(1)%3C/script%3E",
)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_that_runs_inline(client: TestClient, path: str) -> None:
    markup = Markup(client.get(path).text)
    assert markup.active() == []
    assert [attributes["src"].partition("?")[0] for tag, attributes in markup.elements if tag == "script"] == [
        "/static/htmx.min.js",
        "/static/page.js",
    ]


def test_captions_are_shown_as_what_they_are(client: TestClient) -> None:
    markup = Markup(client.get(f"{BASE}/stages/clips/items").text)
    assert SCRIPT in markup.text
    assert "\\x1b[31mred" in markup.text
    assert "\\u202eright to left" in markup.text
    for name in NAMES[:1]:
        assert name in markup.text
    assert not [one for one in markup.text if unicodedata.category(one) in ("Cf", "Cs") or one in "\x00\x1b"]


def test_a_word_of_ten_thousand_letters_is_cut_in_lists_and_whole_on_its_page(client: TestClient) -> None:
    answer = client.get(f"/api/v1{BASE}/stages/clips/items").json()
    ordinal = next(tile["ordinal"] for tile in answer["tiles"] if tile["text"].startswith("www"))
    assert "w" * 500 not in client.get(f"{BASE}/stages/clips/items").text
    assert TEXTS[2] in client.get(f"{BASE}/stages/clips/items/{ordinal}").text


def test_the_api_gives_texts_as_they_are_and_as_json_only(client: TestClient) -> None:
    answer = client.get(f"/api/v1{BASE}/stages/clips/items")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {SCRIPT, TEXTS[3]} <= {tile["text"] for tile in answer.json()["tiles"]}


class _At:
    """Stands for the place of a data set in templates."""

    class definition:  # noqa: N801 - a name of the template
        namespace, name = "default", "x"

    class entry:  # noqa: N801
        name, type = "clips", "clip"


ENV = templates("")


def tiles(key: str, text: str) -> str:
    tile = Tile(ordinal=1, key=key, text=text, picture="frame", plays=True, file=0, values={text: text}, problem=key)
    found = Gallery(tiles=[tile], next=text, fields=[], segment=1, items=1, read=1, is_reading=False, problems=[])
    return ENV.get_template("_tiles.html").render(at=_At, found=found, where=[text], sort=key, desc=False)


def skeleton(html: str) -> list[tuple[str, list[str]]]:
    return [(tag, sorted(attributes)) for tag, attributes in Markup(html).elements]


SKELETONS = {text: skeleton(tiles("k", text)) for text in ("", "t")}


@given(st.text(max_size=60), st.text(max_size=60))
def test_019_f03_no_text_adds_an_element_or_an_attribute_to_a_page(key: str, text: str) -> None:
    html = tiles(key or "k", text)
    assert skeleton(html) == SKELETONS["t" if text else ""]
    assert shown(key, 90) in Markup(html).text


@given(st.text(max_size=300))
def test_a_shown_text_has_no_character_that_is_not_seen(text: str) -> None:
    kept = set(shown(text)) - set("\n\t\u200c\u200d")
    assert not {one for one in kept if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=20), st.floats() | st.text(max_size=20), max_size=4))
def test_the_page_of_an_item_is_made_of_any_fields(text: str, values: dict[str, object]) -> None:
    item = ItemView(
        stage="clips", ordinal=0, key=text, group=text, text=text, texts={text: text}, values=values,
        other={text: [text]}, provenance=values, files=[], shown=None, span=None, history=[], unread=[text],
        previous=None, following=1,
    )  # fmt: skip
    markup = Markup(ENV.get_template("item.html").render(at=_At, item=item, origin=text))
    assert markup.active() == []


@pytest.mark.parametrize("moment", [1e18, -1e18, float("inf"), 253402300800.0])
def test_a_time_that_no_clock_shows_is_left_out(moment: float) -> None:
    assert moment_text(moment) == ""
    assert ago(moment).endswith("ago")
