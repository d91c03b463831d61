"""The history of items: the inputs that a stage did not keep, and the path of one item through all stages.

Rows of ledgers are joined by key. A stage that makes items under new keys, such as `clip`, begins these with the key of
the original item, by which the path is followed upstream.
"""

from collections.abc import Iterable, Sequence

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item
from reelmill.contract.task import StageDef
from reelmill_stages.dashboard.index.query import LedgerEntry
from reelmill_stages.dashboard.views.models import ItemEvent, Losses, LossView
from reelmill_stages.dashboard.views.pipeline_catalog import DataSetPlace, PipelineCatalog

LOSSES = 50
"""Number of losses on a page."""
_PREFIXES = 64


def losses(
    catalog: PipelineCatalog,
    at: DataSetPlace,
    *,
    reason: str = "",
    outcome: str = "",
    after: int = 0,
    limit: int = LOSSES,
) -> Losses:
    """Return inputs that a stage did not keep, in the order of their commit."""
    limit = max(1, min(limit, 500))
    with catalog.indexes.open(at.store, at.names) as (reader, index):
        growing = index.is_growing
        rows = reader.losses(reason, outcome, after, limit + 1)
        problems = reader.problems() + ([index.error] if index.error else [])
    status = catalog.pipeline(at.definition.namespace, at.definition.name).stages
    reasons = next((row.reasons for row in status if row.name == at.entry.name), {})
    return Losses(
        rows=[_loss(row, upstream) for row, upstream in _with_upstreams(catalog, at, rows[:limit])],
        next=rows[limit - 1].id if len(rows) > limit else 0,
        reasons=dict(sorted(reasons.items(), key=lambda pair: -pair[1])),
        is_reading=growing,
        problems=problems,
    )


def history(catalog: PipelineCatalog, at: DataSetPlace, found: Item) -> tuple[list[ItemEvent], list[str]]:
    """Return what each stage did with an item, with the items it was made from, and then with those made from it.

    Also return the names of stages whose rows have not all been read, of which events may be missing.
    """
    unread: list[str] = []
    upwards = [*_upstream_events(catalog, at, found.key, found.group, unread)]
    return [*reversed(upwards), *_downstream_events(catalog, at, found.key, unread)], list(dict.fromkeys(unread))


def _upstream_events(
    catalog: PipelineCatalog, at: DataSetPlace, key: str, group: str, unread: list[str]
) -> Iterable[ItemEvent]:
    """Yield the rows from the stage that made an item to the sources, the nearest first."""
    # Each once: in the records of a store, a stage may read itself.
    stages = {each.name: each for each in at.task.stages}
    names, keys = [at.entry.name], [*_prefixes(key), group]
    while names:
        stage = stages.pop(names[0], None)
        names = [each.name for each in stage.upstreams] if stage else names[:0]
        data = at.other(stage.name) if stage else None
        if stage is None or data is None:
            return
        rows = _rows(catalog, at, data, keys, unread)
        if rows:
            keys = _prefixes(rows[0].key)
        yield from (_event(catalog, at, stage.name, row) for row in reversed(rows))
        # Of several inputs, the path continues in the one that has the item.
        names = [name for name in names if rows and _ordinal(catalog, at, name, rows[-1].key) is not None] or names[:1]


def _downstream_events(catalog: PipelineCatalog, at: DataSetPlace, key: str, unread: list[str]) -> Iterable[ItemEvent]:
    """Yield the rows of the stages that read an item, and of those that read it unchanged from them."""
    made, seen = {at.entry.name}, {at.entry.name}
    for stage in at.task.stages:
        if stage.name in seen or not made & {each.name for each in stage.upstreams}:
            continue
        data = at.other(stage.name)
        rows = _rows(catalog, at, data, [key], unread) if data else []
        yield from (_event(catalog, at, stage.name, row) for row in rows)
        if any(row.outcome == "done" for row in rows):
            made.add(stage.name)


def _rows(
    catalog: PipelineCatalog, at: DataSetPlace, data: DataSetPaths, keys: Sequence[str], unread: list[str]
) -> list[LedgerEntry]:
    """Return the rows of the first of these keys that has any. Waits once for the index, which may still grow."""
    with catalog.indexes.open(at.store, data) as (reader, index):
        if index.gap:
            unread.append(data.name)
        return next((rows for key in keys if (rows := reader.history(key))), [])


def _event(catalog: PipelineCatalog, at: DataSetPlace, stage: str, row: LedgerEntry) -> ItemEvent:
    return ItemEvent(
        stage=stage,
        key=row.key,
        segment=row.segment,
        outcome=row.outcome,
        reason=row.reason,
        message=row.message,
        seconds=row.seconds,
        attempt=row.attempt,
        replaced=row.replaced,
        item=_ordinal(catalog, at, stage, row.key) if row.outcome == "done" else None,
    )


def _ordinal(catalog: PipelineCatalog, at: DataSetPlace, name: str, key: str) -> int | None:
    """Return the ordinal of the item with a key in another data set."""
    return _ordinals(catalog, at, name, [key]).get(key)


def _ordinals(catalog: PipelineCatalog, at: DataSetPlace, name: str, keys: Iterable[str]) -> dict[str, int]:
    """Return key -> ordinal of its item in another data set, for keys that have one."""
    data = at.other(name)
    if data is None:
        return {}
    with catalog.indexes.open(at.store, data) as (reader, _):
        return {key: place.ordinal for key in keys if (place := reader.place_of_key(key))}


def _prefixes(key: str) -> list[str]:
    """Return the key and its prefixes before characters that are neither letters nor digits, the longest first."""
    cuts = [number for number, one in enumerate(key) if number and not one.isalnum()]
    return [key, *(key[:cut] for cut in reversed(cuts[-_PREFIXES:]))]


def _with_upstreams(
    catalog: PipelineCatalog, at: DataSetPlace, rows: list[LedgerEntry]
) -> list[tuple[LedgerEntry, str]]:
    """Return each row with the source or stage that has its item."""
    if not isinstance(at.entry, StageDef):
        return [(row, "") for row in rows]
    names = at.upstreams
    if len(names) == 1:
        return [(row, names[0]) for row in rows]
    keys = [row.key for row in rows]
    ordinals = {name: _ordinals(catalog, at, name, keys) for name in names}
    return [(row, next((name for name in names if ordinals[name].get(row.key) == row.ordinal), "")) for row in rows]


def _loss(row: LedgerEntry, upstream: str) -> LossView:
    return LossView(
        id=row.id,
        key=row.key,
        outcome=row.outcome,
        reason=row.reason,
        message=row.message,
        seconds=row.seconds,
        attempt=row.attempt,
        upstream=upstream,
        ordinal=row.ordinal,
    )
