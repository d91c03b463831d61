"""What errors and rows say is the same for the same cause, and holds no credentials."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.text.messages import LONGEST, safe_message, shortened
from reelmill_stages.format_checks import Finding


@pytest.mark.parametrize("thing", [object(), io.BytesIO(), lambda: None])
def test_an_address_in_memory_is_in_no_row_no_error_and_no_finding(thing: object) -> None:
    said = f"cannot identify image file {thing!r}: {thing!r}"
    assert " at 0x" in said
    clean = safe_message(said)
    assert " at 0x" not in clean
    assert clean.count("<") == clean.count(">") >= 2
    assert LedgerRow("k", 0, Outcome.FAILED, "bad", said).message == clean
    assert ItemError("bad", said).what == clean
    assert Finding("f", "opens", False, said).message == clean


def test_what_a_user_wrote_stays() -> None:
    for text in ("looked at 0x1F600 twice", "<b>meet at 0xCAFE</b>", "a.mp4", f"at 0x1F600{' ' * 200_000}at noon"):
        assert safe_message(text) == text


@given(before=st.integers(0, 600), after=st.integers(0, 600))
def test_credentials_are_removed_before_a_message_is_cut(before: int, after: int) -> None:
    for url in ("https://ann:seCret@host/video.mp4", f"https://host/video.mp4?X-Amz-Security-Token={'seCret' * 90}"):
        short = shortened(f"{'x' * before} {url} {'y' * after}")
        assert len(short) <= LONGEST
        assert "seCret"[1:] not in short
        assert "ann" not in short


@given(name=st.text(max_size=2000), why=st.text(max_size=200), longest=st.integers(401, 600))
def test_a_long_name_in_a_message_does_not_hide_the_reason_at_its_end(name: str, why: str, longest: int) -> None:
    text = f"{name}: {why}"
    short = shortened(text, longest)
    assert len(short) == min(len(text), longest)
    assert short.endswith(why)
    assert short == text if len(text) <= LONGEST and longest >= LONGEST else short[:150] == text[:150]
