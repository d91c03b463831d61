"""Counters of stages: declared words and families, and what of them a report of limited size holds."""

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.counters import LONGEST, REPORTED, Counting, StageCounter, counted, reported, stage_counter

WORDS = st.sampled_from([str(each).replace("*", "x") for each in StageCounter]) | st.text(min_size=1, max_size=80)
FOUND = st.dictionaries(WORDS, st.integers(0, 10**9), max_size=40)


def is_size(word: str) -> bool:
    declared = stage_counter(word)
    return declared is not None and declared.counting is Counting.SIZE


def test_a_word_of_a_family_has_the_declaration_of_the_family() -> None:
    assert StageCounter.CONTAINER.of("mkv") == "container_mkv"
    assert stage_counter("container_mkv") is StageCounter.CONTAINER
    assert stage_counter("left_out_too_long") is StageCounter.LEFT_OUT
    assert stage_counter("left_outside") is None
    assert stage_counter("my_own") is None


def test_counters_are_listed_fallbacks_first_and_without_zeros() -> None:
    found = {"documents": 12000, "cut": 0, "left_out_no_text": 3, "escaped": 40}
    assert counted(found) == "escaped 40, left_out_no_text 3, documents 12,000"
    assert counted({"cut": 0}) == ""


@given(FOUND)
def test_a_report_has_a_bounded_number_of_counters_and_drops_sizes_before_fallbacks(found: dict[str, int]) -> None:
    kept = reported(found)
    assert len(kept) <= REPORTED
    assert all(len(word) <= LONGEST and found[word] == number > 0 for word, number in kept.items())
    left = {word for word, number in found.items() if number and len(word) <= LONGEST} - kept.keys()
    if left:
        assert len(kept) == REPORTED
        least = min(kept, key=lambda word: (not is_size(word), kept[word]))
        assert all(is_size(word) or (not is_size(least) and found[word] <= kept[least]) for word in left)


@given(FOUND)
def test_what_is_reported_is_reported_again_as_it_is(found: dict[str, int]) -> None:
    assert list(reported(reported(found)).items()) == list(reported(found).items())
