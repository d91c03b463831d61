"""Sentences on pages: commands and fields between backticks are code, and everything else is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.markup import Markup
from reelmill_stages.dashboard.web.text import sentences


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("`reelmill ledger x` lists them.", "<code>reelmill ledger x</code> lists them."),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("an odd ` stays", "an odd ` stays"),
        ("`two\nlines`", "`two\nlines`"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("`\x1b[31m\u202e`", "<code>\\x1b[31m\\u202e</code>"),
    ],
)
def test_text_between_backticks_is_code(text: str, html: str) -> None:
    assert sentences(text) == html


@given(st.text("`<>&\"'a/\n ", max_size=40))
def test_no_text_becomes_any_other_markup(text: str) -> None:
    markup = Markup(str(sentences(text)))
    assert {tag for tag, _ in markup.elements} <= {"code"}
    assert markup.active() == []
    assert markup.text.replace("`", "") == text.replace("`", "")
