"""Indexes of many small passes are merged, and hold what each pass kept as before."""

from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.runtime.decide.tiers import LEAST, count_to_merge, live_segments


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=200))
def test_no_input_is_written_more_often_than_the_sizes_have_bits(passes: list[int]) -> None:
    indexes: list[int] = []
    rewritten = 0
    for count in passes:
        taken = count_to_merge(indexes)
        tail = indexes[len(indexes) - taken :]
        rewritten += sum(tail)
        indexes = [*indexes[: len(indexes) - taken], sum(tail) + count]
    bits = sum(passes).bit_length()
    assert sum(indexes) == sum(passes)
    assert rewritten <= sum(passes) * bits
    assert len(indexes) <= bits + LEAST


@pytest.mark.store  # takes seconds
def test_growth_by_single_items_keeps_few_indexes_and_the_verdicts_of_one_pass(tmp_path: Path) -> None:
    line = toy.Line(tmp_path / "grown")
    line.stage("kept", "Near", within=2)
    line.stages[0] = line.stages[0].replace(type="toy_decisions:Near")
    numbers = [(17 * turn) % 61 for turn in range(18)]
    kept: list[int] = []
    for turn, number in enumerate(numbers):
        line.put(f"v{turn:02d}", f"{number}\n")
        line.go()
        if all(abs(number - other) > 2 for other in kept):
            kept.append(number)
    data = line.data("kept")
    assert [numbers[int(item.key[1:3])] for item in data.items()] == kept
    indexes = [segment.kept for segment in live_segments(data.segments()) if segment.kept]
    assert sum(index.count for index in indexes) == len(kept)
    assert len(indexes) < len(kept) / 2
