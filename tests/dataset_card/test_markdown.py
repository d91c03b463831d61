"""Any text in a card is shown as it is: no markup, no links, no rows or blocks of its own."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reelmill.contract.text.terminal import printable
from reelmill_stages.dataset_card.markdown import code_block, inline, table

texts = st.text() | st.text(alphabet="ab |\\`*_[]()<>&#!~:/.@-\n\t", max_size=30)


@given(texts, texts)
def test_a_cell_shows_its_text(first: str, second: str) -> None:
    parsed = MarkdownIt("commonmark").enable("table").parse(table(("a", "b"), [(inline(first), inline(second))]))
    cells = [token for token in parsed if token.type == "inline"][2:]
    assert {child.type for cell in cells for child in cell.children or ()} <= {"text"}
    shown = ["".join(child.content for child in cell.children or ()) for cell in cells]
    assert shown == [printable(first).strip(), printable(second).strip()]


@given(texts)
def test_a_block_of_code_shows_its_text_and_ends(text: str) -> None:
    block, paragraph, *_ = MarkdownIt("commonmark").parse(code_block(text) + "\nafter\n")
    assert (block.type, paragraph.type) == ("fence", "paragraph_open")
    assert block.content.rstrip() == printable(text, keep="\n\t").rstrip()
