"""Plots: their marks are round, apart and in the plot, whatever the values are, and what they draw is in proportion."""

import itertools
import math
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.commands.funnel import FunnelLoss, FunnelRow
from reelmill.contract.commands.summary import Distribution
from reelmill.contract.commands.tuning import Histogram
from reelmill_stages.run_report.plots import ticks
from reelmill_stages.run_report.plots.fields import HEIGHT, WIDTH, classes, histogram
from reelmill_stages.run_report.plots.shares import shares

SVG = "{http://www.w3.org/2000/svg}"
ANY = st.floats(allow_nan=False, allow_infinity=False)


def distribution(edges: list[float], counts: list[int]) -> Distribution:
    made = Histogram.model_construct(edges=edges, counts=counts)
    return Distribution.model_construct(name="clips", field="luma", histogram=made, values=None)


@given(ANY, ANY, st.integers(2, 10), st.booleans())
def test_marks_are_few_ascend_and_lie_on_the_axis(one: float, other: float, most: int, whole: bool) -> None:
    low, high = sorted((one, other))
    marks = ticks.numbers(low, high, most, whole=whole)
    assert 1 <= len(marks) <= most + 2
    assert all(earlier < later for earlier, later in itertools.pairwise(marks))
    near = (high / most - low / most) / 1e6
    assert all(low - near <= mark <= high + near for mark in marks)


@given(st.integers(-(10**7), 10**7), st.sampled_from((1.0, 2.0, 2.5, 5.0)), st.integers(-5, 9))
def test_marks_beside_each_other_have_different_texts(first: int, step: float, power: int) -> None:
    step *= 10.0**power
    texts = [ticks.number((first % 1000 + each) * step, step) for each in range(4)]
    assert len(set(texts)) == 4


def test_marks_are_written_as_people_write_them() -> None:
    assert ticks.numbers(0, 1, 5) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    assert [ticks.number(value, 0.25) for value in (-0.25, 0.0, 0.5)] == ["−0.25", "0.00", "0.50"]
    assert [ticks.number(value, 5000.0) for value in (0.0, 5000.0, 15_000.0)] == ["0", "5k", "15k"]
    assert ticks.number(2.5e6, 5e5) == "2.5M"
    assert ticks.numbers(0, 2.1, 3, whole=True) == [0, 1, 2]


@given(st.floats(0, 4e9), st.floats(1, 3e8), st.integers(3, 9))
def test_times_are_round_and_few(begin: float, length: float, most: int) -> None:
    marks = [moment for moment, _ in ticks.times(begin, begin + length, most)]
    assert len(marks) <= most + 1
    assert all(begin <= mark <= begin + length and mark == int(mark) for mark in marks)


@given(ANY, ANY, st.lists(st.integers(0, 10**12), min_size=1, max_size=40))
def test_a_histogram_of_any_numbers_is_drawn_within_its_frame(one: float, other: float, counts: list[int]) -> None:
    low, high = sorted((one, other))
    edges = [low + (high / 2 - low / 2) * 2 * (place / len(counts)) for place in range(len(counts))] + [high]
    if not all(map(math.isfinite, edges)):
        edges = [low, high]
        counts = counts[:1]
    image = ElementTree.fromstring(histogram(distribution(edges, counts), distribution(edges, counts)))
    for text in image.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x", "")) <= WIDTH
        assert 0 <= float(text.get("y", "")) <= HEIGHT
    for path in image.iter(f"{SVG}path"):
        numbers = [float(each) for each in path.get("d", "").strip("Mz").replace("L", " ").split()]
        assert all(-1 <= x <= WIDTH + 1 for x in numbers[::2])
        assert all(-1 <= y <= HEIGHT + 1 for y in numbers[1::2])


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(1, 1000)), min_size=1, max_size=12))
def test_bars_of_values_are_as_long_as_their_counts(counts: list[tuple[str, int]]) -> None:
    image = ElementTree.fromstring(classes([(value, count, None) for value, count in counts]))
    lengths = [float(bar.get("width", "")) for bar in image.iter(f"{SVG}rect")]
    most = max(count for _, count in counts)
    for length, (_, count) in zip(lengths, counts, strict=True):
        assert math.isclose(length, max(lengths) * count / most, abs_tol=0.02)


def test_shares_of_a_funnel_fill_the_row_and_a_small_one_can_be_seen() -> None:
    losses = [
        FunnelLoss(outcome="failed", reason="corrupt", items=1, seconds=None, bytes=None),
        FunnelLoss(outcome="filtered", reason="dark", items=2500, seconds=None, bytes=None),
    ]
    row = FunnelRow.model_construct(name="<clips>", items_in=10_000, items_kept=7499, lost=losses)
    image = ElementTree.fromstring(shares([row], 760))
    kept, filtered, failed = (float(bar.get("width", "")) for bar in image.iter(f"{SVG}rect"))
    assert math.isclose(kept / filtered, 7499 / 2500, rel_tol=0.01)
    assert failed >= 2
    assert next(image.iter(f"{SVG}text")).text == "<clips>"
