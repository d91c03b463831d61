"""Numbers of inputs follow the metadata; processing follows the videos."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Pass, ShardPlan, Slice
from reelmill_stages.listed_order import listed_order
from reelmill_stages.runtime.input_numbers import NO_POSITION, InputNumbers, position_ranges
from reelmill_stages.runtime.survey.new_rows import NewRows
from reelmill_stages.sources import Listed

POSITIONS = st.lists(st.integers(0, 60), unique=True, min_size=1)


def plan(first: int, *upstreams: Sequence[int | None]) -> Pass:
    """A pass over upstreams `u0`, `u1`, … with inputs at these positions, each in a shard of its own."""
    told = {f"u{number}": [NO_POSITION if at is None else at for at in each] for number, each in enumerate(upstreams)}
    ranges = {name: text for name, each in told.items() if (text := position_ranges(each))}
    shards = tuple(
        ShardPlan(
            slices=(Slice(upstream=name, rows="r", first=0, count=len(each), ordinal=0),), count=len(each), weight=1
        )
        for name, each in told.items()
    )
    return Pass(
        stage="s", key="0" * 64, segment=1, kind="cover", in_=sum(map(len, upstreams)), first_ordinal=first,
        shards=shards, positions=ranges, definition={}, runner=Runner(name="r", uid="u", run=1),
    )  # fmt: skip


def item(position: int | None, key: str = "k", group: str = "g") -> Item:
    return Item(key, 0, group, 1.0, position=position)


@given(st.integers(0, 9), POSITIONS, POSITIONS)
def test_numbers_are_consecutive_and_follow_the_positions_upstream_after_upstream(
    first: int, one: list[int], other: list[int]
) -> None:
    numbers = InputNumbers(plan(first, one, other))
    found = [numbers.of("u0", item(at), -1) for at in sorted(one)] + [
        numbers.of("u1", item(at), -1) for at in sorted(other)
    ]
    assert found == list(range(first, first + len(one) + len(other)))


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1))
def test_inputs_without_positions_of_their_own_are_numbered_as_they_are_processed(positions: list[int | None]) -> None:
    numbers = InputNumbers(plan(0, positions))
    distinct = None not in positions and len(set(positions)) == len(positions)
    placed = [numbers.of("u0", item(at), place) for place, at in enumerate(positions)]
    assert sorted(placed) == list(range(len(positions)))
    assert distinct or placed == list(range(len(positions)))


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=20), st.integers(0, 9))
def test_new_rows_get_consecutive_positions_in_the_order_of_the_metadata(
    rows: list[tuple[int, bool]], first: int
) -> None:
    with NewRows() as spool:
        by_group = sorted(enumerate(rows), key=lambda row: row[1][0])
        for number, (group, fails) in by_group:
            problem = ("missing", "gone") if fails else None
            spool.add(Listed(f"{number}", f"{group}", 1.0, problem=problem, position=number), replaces="")
        found = {int(row["key"]): row["position"] for row, _ in spool.rows(first)}
    valid = [number for number, (_, fails) in enumerate(rows) if not fails]
    assert [found[number] for number in valid] == list(range(first, first + len(valid)))
    assert all(found[number] is None for number, (_, fails) in enumerate(rows) if fails)


@given(st.lists(st.one_of(st.none(), st.integers(0, 99)), max_size=12))
def test_lists_follow_the_positions_unless_an_item_has_none(positions: list[int | None]) -> None:
    items = [item(at, key=f"{number}") for number, at in enumerate(positions)]
    expected = items if None in positions else sorted(items, key=lambda each: each.position or 0)
    assert list(listed_order(items)) == expected


def test_an_item_keeps_its_position_in_its_row_and_a_users_field_of_that_name_stays_a_field() -> None:
    assert Item.from_json(item(7).to_json()) == item(7)
    assert Item.from_json({**item(None).to_json(), "_position": "left"}).fields == {"_position": "left"}
    assert "_position" not in item(None).to_json()
