"""Frames as a decoder gives them, and those of them that are handed on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.media.decoding.delivery import Damaged, Delivery
from reelmill_stages.media.timeline.counted_frames import Resumption
from reelmill_stages.media.timeline.decode_plan import Run
from reelmill_stages.media.timeline.packet_table import PacketTable
from reelmill_stages.media.timeline.timeline import Timeline

MOST_REORDERED = 16
"""Frames, of any codec."""


@dataclass(frozen=True)
class Frame:
    """What a decoder tells of a frame."""

    pts: int | None
    is_corrupt: bool = False
    width: int = 16
    height: int = 16


def timeline(
    times: Sequence[int], starts: Sequence[int], numbers: Sequence[int], resumptions: tuple[Resumption, ...] | None
) -> Timeline:
    """Of packets with these times and key packets; `numbers` are those of the frames. Counted with `resumptions`."""
    count = len(times)
    keys = tuple(start == number for number, start in enumerate(starts))
    return Timeline(
        stream=0, codec="h264", container="mpegts", time_base=Fraction(1, 25), pts=tuple(range(len(numbers))),
        end=len(numbers), keys=(False,) * len(numbers), skippable=(False,) * len(numbers), numbers=tuple(numbers),
        packets=PacketTable(tuple(times), keys, (1,) * count, (None,) * count, tuple(starts)),
        measured="" if resumptions is None else "two pictures have one time", resumptions=resumptions or (),
    )  # fmt: skip


def handed_on(delivery: Delivery, frames: Sequence[Frame], run: Run) -> Iterator[tuple[int, int | None]]:
    """(index, pts) of the frames that are handed on while a decoder gives these frames, and is drained."""
    for frame in frames:
        yield from ((index, given.pts) for index, given in delivery.take(frame, run))  # type: ignore[arg-type]
    yield from ((index, given.pts) for index, given in delivery.end(run))


def until_damage(pairs: Iterator[tuple[int, int | None]]) -> tuple[list[tuple[int, int | None]], int | None]:
    """What is handed on, and the index that is refused."""
    found: list[tuple[int, int | None]] = []
    try:
        found.extend(pairs)
    except Damaged as error:
        return found, error.index
    return found, None


@given(data=st.data())
def test_frames_are_given_once_and_in_order_up_to_the_first_that_depends_on_damage(data: st.DataObject) -> None:
    """Groups of pictures of which some come out of the decoder before the one that they are predicted from."""
    shown: list[int] = []
    starts: list[int] = []
    for _ in range(data.draw(st.integers(1, 4))):
        start = len(shown)
        shown.append(start)
        starts.append(start)
        for ahead in data.draw(st.lists(st.integers(1, MOST_REORDERED), max_size=12)):
            first = len(shown)
            shown += [first + ahead - 1, *range(first, first + ahead - 1)]
            starts += [start] * ahead
    count = len(shown)
    numbers = sorted(range(count), key=lambda number: shown[number])
    wanted = sorted(data.draw(st.sets(st.sampled_from(range(count)), min_size=1)))
    size = data.draw(st.sampled_from([16, 1024, 4096]))
    corrupt = data.draw(st.sets(st.sampled_from(range(count)), max_size=3))
    frames = [Frame(index, index in corrupt, size, size) for index in range(count)]
    run = Run(0, count - 1, frozenset(numbers[index] for index in wanted))
    delivery = Delivery(timeline(shown, starts, numbers, None), wanted)
    broken = {numbers[index] for index in corrupt}
    spoiled = [
        index
        for index in wanted
        if any(starts[packet] >= starts[numbers[index]] and packet <= numbers[index] for packet in broken)
    ]
    found, refused = until_damage(handed_on(delivery, frames, run))
    assert refused == (spoiled[0] if spoiled else None)
    assert found == [(index, index) for index in wanted if refused is None or index < refused]


@given(sizes=st.lists(st.sampled_from([64, 4096]), min_size=20, max_size=60))
def test_large_frames_are_not_held_for_a_burst_whatever_came_before_them(sizes: Sequence[int]) -> None:
    count = len(sizes)
    delivery = Delivery(timeline(range(count), [0] * count, range(count), None), range(count))
    run = Run(0, count - 1, frozenset(range(count)))
    held = 0
    for index, size in enumerate(sizes):
        taken = list(delivery.take(Frame(index, width=size, height=size), run))  # type: ignore[arg-type]
        held += 1 - len(taken)
        if size == 4096:
            assert held <= MOST_REORDERED + 1


def counted(count: int, resumptions: tuple[Resumption, ...] = (), starts: Collection[int] = (0,)) -> Timeline:
    """Each frame comes out after its own packet."""
    begins = [max(start for start in starts if start <= number) for number in range(count)]
    return timeline(range(count), begins, range(count), resumptions)


@given(corrupt=st.integers(0, 59))
def test_where_frames_are_counted_one_that_was_patched_up_refuses_those_that_may_depend_on_it(corrupt: int) -> None:
    """Frames that were predicted from it may have come out before it, after earlier packets."""
    frames = [Frame(None, index == corrupt) for index in range(60)]
    run = Run(0, 59, frozenset(range(60)))
    found, refused = until_damage(handed_on(Delivery(counted(60), range(60)), frames, run))
    assert refused is not None
    assert corrupt - MOST_REORDERED - 1 <= refused <= max(0, corrupt - MOST_REORDERED)
    assert [index for index, _ in found] == list(range(refused))


@given(corrupt=st.integers(0, 59))
def test_a_hidden_frame_that_was_patched_up_refuses_no_frame_that_cannot_depend_on_it(corrupt: int) -> None:
    frames = [Frame(index) for index in range(60)]
    frames.insert(corrupt, Frame(None, is_corrupt=True))
    film = timeline(range(60), [0] * 60, range(60), None)
    run = Run(0, 59, frozenset(range(60)))
    found, refused = until_damage(handed_on(Delivery(film, range(60)), frames, run))
    assert refused is not None
    assert corrupt - MOST_REORDERED - 1 <= refused <= max(0, corrupt - MOST_REORDERED)
    assert [index for index, _ in found] == list(range(refused))


RESUMED = counted(20, (Resumption(10, 10),), (0, 10))
FIRST, SECOND = Run(0, 4, frozenset({4})), Run(10, 12, frozenset({10, 11, 12}))


def test_frames_that_a_drained_decoder_gives_are_none_of_the_next_run() -> None:
    """Fed on, it would have dropped them."""
    delivery = Delivery(RESUMED, [4, 10, 11, 12])
    drained = [Frame(index + 100) for index in range(20)]
    assert list(handed_on(delivery, drained, FIRST)) == [(4, 104)]
    again = [Frame(10), Frame(11), Frame(12)]
    assert list(handed_on(delivery, again, SECOND)) == [(10, 10), (11, 11), (12, 12)]


def test_frames_before_the_first_of_a_run_may_lack_what_they_depend_on() -> None:
    delivery = Delivery(RESUMED, [10, 11, 12])
    leading = [Frame(8, is_corrupt=True), Frame(9, is_corrupt=True)]
    found = list(handed_on(delivery, [*leading, Frame(10), Frame(11), Frame(12)], SECOND))
    assert found == [(10, 10), (11, 11), (12, 12)]


def test_a_run_that_ends_early_is_refused_after_what_it_gave() -> None:
    delivery = Delivery(RESUMED, [10, 11, 12])
    found, refused = until_damage(handed_on(delivery, [Frame(10), Frame(11)], SECOND))
    assert (found, refused) == ([(10, 10), (11, 11)], 12)


@pytest.mark.parametrize("resumptions", [None, ()], ids=["timed", "counted"])
def test_a_frame_that_is_missing_in_the_middle_is_refused(resumptions: tuple[Resumption, ...] | None) -> None:
    film = timeline(range(40), [0] * 40, range(40), resumptions)
    delivery = Delivery(film, range(40))
    run = Run(0, 39, frozenset(range(40)))
    frames = [Frame(index) for index in range(40) if index != 30]
    found, refused = until_damage(handed_on(delivery, frames, run))
    if resumptions is None:
        assert refused == 30
        # What it may depend on has not come out: it is decoded once more from the start.
        assert [index for index, _ in found] == list(range(30 - MOST_REORDERED))
    else:
        assert refused == 39
        assert len(found) == 39
