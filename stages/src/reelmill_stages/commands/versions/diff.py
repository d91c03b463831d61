"""`reelmill diff`: the differences in inputs and items between two states of a data set."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reelmill.contract.commands.diff_rows import Change, DiffCount, DiffRow, Level, Side
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import KEY_DIGITS, DataSetPaths
from reelmill.contract.records.rows import POSITION, Item, LedgerRow, Media, Outcome, Output
from reelmill_stages.commands.entry import entries, store_of
from reelmill_stages.commands.versions.row_diff import Row, Rows, differences
from reelmill_stages.records.data_set import DataSet, open_data_set

_NUMBERED = re.compile(rf"([^/]+)/[0-9a-f]{{{KEY_DIGITS}}}/\d{{4,}}/")
_PLACE = {"ordinal", POSITION}
_OUTCOME = " outcome"
"""Key for the outcome and reason of an input in its row; no field of an item has this name."""


def rows(before: Side, after: Side, env: Mapping[str, str], *, name: str, item: str = "") -> Iterator[DiffRow]:
    """The differences in source or stage `name`, inputs first, then items; with `item`, only those of this key.

    Output files are compared by name in the data set, size and digest. Rows are compared without their position. Raises
    SpecError if one of the states does not exist.
    """
    old, new = (_data_set(side, env, name) for side in (before, after))
    listed = any(source.name == name for source in after[0].sources)
    with TemporaryDirectory(prefix="reelmill-diff-") as folder:
        scratch = Path(folder)
        for key, one, other in differences(
            lambda: _inputs(old, item), lambda: _inputs(new, item), _outcome_fields, scratch
        ):
            row = _row("input", key, one, other)
            # The ledger of a source has no rows for objects found at once, only for those that were missing before.
            if not (listed and {row.was, row.now} == {"", Outcome.DONE.value}):
                yield row
        for key, one, other in differences(lambda: _items(old, item), lambda: _items(new, item), _comparable, scratch):
            yield _row("item", key, one, other)


def summary(before: Side, after: Side, env: Mapping[str, str], *, name: str, item: str = "") -> list[DiffCount]:
    """The number of differences of each kind, inputs first, the most frequent first. Raises as `rows`."""
    counts: Counter[tuple[Level, Change, str]] = Counter()
    for row in rows(before, after, env, name=name, item=item):
        counts.update((row.level, row.change, what) for what in _kinds(row))
    ordered = sorted(counts.items(), key=lambda each: (each[0][0] == "item", -each[1], each[0]))
    return [
        DiffCount(level=level, change=change, what=what, number=number) for (level, change, what), number in ordered
    ]


def _data_set(side: Side, env: Mapping[str, str], name: str) -> DataSet:
    task, state = side
    store = store_of(task, env)
    if state.frozen:
        return open_data_set(store, f"{name}@{state.frozen}")
    present = next((entry.key for entry in entries(task) if entry.name == name), "")
    found = DataSet(store, DataSetPaths(name, state.key or present), until=state.segment)
    if found.last is None:
        raise SpecError(
            f"the store has no data set {found.root}",
            where=store.uri,
            hint="run the pipeline first, or choose a key that the store has: they are the folders in " + name,
        )
    if state.segment and found.last.segment < state.segment:
        raise SpecError(
            f"{found.root} has no segment {state.segment}: its last one is {found.last.segment}", where=store.uri
        )
    return found


def _inputs(data: DataSet, item: str) -> Rows[LedgerRow]:
    return ((row.key, row) for row in data.raw_ledger() if not item or row.key == item)


def _outcome_fields(row: LedgerRow) -> dict[str, Any]:
    """The outcome of an input, without values that vary between runs."""
    return {_OUTCOME: (row.outcome.value, row.reason), "message": row.message}


def _items(data: DataSet, item: str) -> Rows[Item]:
    return ((each.key, each) for each in data.items() if not item or each.key == item)


def _comparable(item: Item) -> dict[str, Any]:
    """The row of an item without values that differ between equal data sets: positions, and keys in the store."""
    row = {name: value for name, value in item.to_json().items() if name not in _PLACE}
    row["outputs"] = [_output(output) for output in item.outputs]
    row["provenance"] = _without_place(item.provenance)
    if item.media:
        row["media"] = _media(item.media)
    return row


def _output(output: Output) -> dict[str, Any]:
    return {"name": _without_place(output.key), "size": output.size, "digest": output.digest}


def _media(media: Media) -> dict[str, Any]:
    return {**media.to_json(), "uri": _without_place(media.uri)}


def _without_place(value: Any) -> Any:
    """A JSON value in which keys of outputs have no stage key and no segment."""
    if isinstance(value, str):
        return _NUMBERED.sub(r"\1/", value) if _NUMBERED.match(value) else value
    if isinstance(value, Mapping):
        return {name: _without_place(each) for name, each in value.items()}
    return [_without_place(each) for each in value] if isinstance(value, list | tuple) else value


def _row(level: Level, key: str, before: Row | None, after: Row | None) -> DiffRow:
    return DiffRow(
        level=level,
        change="added" if before is None else "gone" if after is None else "changed",
        key=key,
        was=_outcome(before),
        now=_outcome(after),
        fields=_changed_values(before, after) if before and after else {},
    )


def _outcome(row: Row | None) -> str:
    if not row or _OUTCOME not in row:
        return ""
    outcome, reason = row[_OUTCOME]
    return f"{outcome}({reason})" if reason else str(outcome)


def _changed_values(before: Row, after: Row) -> dict[str, tuple[Any, Any]]:
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if name != _OUTCOME and before.get(name) != after.get(name)
    }


def _kinds(row: DiffRow) -> list[str]:
    if row.level == "item":
        return list(row.fields) or [""]
    if row.was == row.now:
        return ["message"]
    return [" -> ".join(outcome for outcome in (row.was, row.now) if outcome)]
