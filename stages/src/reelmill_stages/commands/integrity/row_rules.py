"""`reelmill check --stage`: check the rows of a stage's data set against the rows of its upstreams.

Rules:

- `inputs`: each covered item of the upstreams has a row in the ledger, and no other key has one.
- `items`: a stage that passes items on has one for each done input, under its key.
- `fields`: items have only fields that the blocks of the pipeline declare.
- `media`: the file of an item is one of its sources, or one that a stage committed.
- `verdicts`: see `verdict_rules`.

Anonymous rows, which `reelmill forget` leaves, are ignored. Rows are streamed; keys are kept on disk.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reelmill.contract.errors import StoreError
from reelmill.contract.records.forgotten import is_anonymous
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Media, Outcome
from reelmill.contract.spec.block import Block, StageBlock
from reelmill.contract.task import StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, entries
from reelmill_stages.commands.integrity.disk_set import DiskSet
from reelmill_stages.commands.integrity.verdict_rules import check_verdicts
from reelmill_stages.format_checks import Finding
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.inputs import union_key
from reelmill_stages.store import Store

FORMAT = "rows"
_SHOWN = 20
"""Maximum number of findings per rule."""


def check_rows(task: Task, store: Store, stage: StageDef) -> Iterator[Finding]:
    """One row for each rule that holds, and some violations of the others. An unreadable record violates its rule."""
    data = data_set(store, stage)
    if data.last is None:
        return
    checks = _Rows(task, store, stage, data)
    for rule, problems, summary in (
        ("inputs", checks.inputs(), f"{data.totals.in_:,} inputs have one row each"),
        ("items", checks.items(), "items have the keys of done inputs"),
        ("fields", checks.fields(), "fields are declared"),
        ("media", checks.media(), "files of items were committed"),
        ("verdicts", check_verdicts(data), "verdicts match the recorded decisions"),
    ):
        found = list(islice(_readable(problems, data), _SHOWN))
        yield from (Finding(file, rule, ok=False, message=message) for file, message in found)
        if not found:
            yield Finding(data.root, rule, ok=True, message=summary)


def _readable(problems: Iterator[tuple[str, str]], data: DataSet) -> Iterator[tuple[str, str]]:
    """Problems up to and including the first record that cannot be read."""
    try:
        yield from problems
    except StoreError as error:
        yield data.root, f"{error.what}: `reelmill check --deep` finds all damage"


class _Rows:
    """The rules. Each returns (record, message) of its violations. Raises StoreError for a damaged record."""

    def __init__(self, task: Task, store: Store, stage: StageDef, data: DataSet) -> None:
        self._task = task
        self._store = store
        self._stage = stage
        self._data = data

    def inputs(self) -> Iterator[tuple[str, str]]:
        with DiskSet() as rows, DiskSet() as wanted:
            rows.add(row.key for row in self._data.raw_ledger() if not is_anonymous(row.key))
            wanted.add(self._input_keys())
            for key in wanted.without(rows):
                yield self._data.root, f"{key!r} is an input without a row in the ledger"
            for key in rows.without(wanted):
                yield self._data.root, f"{key!r} has a row in the ledger but is not an item of {self._names()}"

    def items(self) -> Iterator[tuple[str, str]]:
        block = self._block(self._stage)
        if not isinstance(block, StageBlock) or not block.passes_items:
            return
        with DiskSet() as done, DiskSet() as passed:
            rows = (row for row in self._data.ledger() if not is_anonymous(row.key))
            done.add(row.key for row in rows if row.outcome == Outcome.DONE)
            passed.add(item.key for item in self._data.items())
            for key in done.without(passed):
                yield self._data.root, f"the input {key!r} is done, but no item was passed on for it"
            for key in passed.without(done):
                yield self._data.root, f"the item {key!r} was passed on, but its input is not done"

    def fields(self) -> Iterator[tuple[str, str]]:
        known = self._known(self._stage.name)
        if known is None:
            return
        reported: set[str] = set()
        for item in self._data.items():
            for name in _names(item.fields):
                if name not in reported and not any(name == one or name.startswith(f"{one}.") for one in known):
                    reported.add(name)
                    yield self._data.root, f"{item.key!r} has the field {name!r}, which no block declares"

    def media(self) -> Iterator[tuple[str, str]]:
        with DiskSet() as committed, DiskSet() as used:
            for name in self._stages_upstream_from(self._stage.name):
                committed.add(self._files(name))
            used.add(_file_identity(item.media) for item in self._data.items() if item.media)
            for file in used.without(committed):
                yield self._data.root, f"an item has the file {file}, which no source lists and no stage committed"

    def _input_keys(self) -> Iterator[str]:
        union = len(self._stage.upstreams) > 1
        for upstream in self._stage.upstreams:
            until = self._data.coverage.get(upstream.name, 0)
            given = DataSet(self._store, DataSetPaths(upstream.name, upstream.key), until=until)
            if until:
                yield from (union_key(upstream.name, item.key, union=union) for item in given.items())

    def _names(self) -> str:
        return ", ".join(upstream.name for upstream in self._stage.upstreams)

    def _stages_upstream_from(self, name: str) -> list[str]:
        """The stage and everything upstream of it."""
        stages = {stage.name: stage for stage in self._task.stages}
        found = [name]
        for each in found:
            above = stages[each].upstreams if each in stages else ()
            found += [one.name for one in above if one.name not in found]
        return found

    def _files(self, name: str) -> Iterator[str]:
        entry = next(one for one in entries(self._task) if one.name == name)
        data = data_set(self._store, entry)
        if isinstance(entry, StageDef):
            yield from (_file_identity(Media(file.key, file.size, digest=file.digest)) for file in data.files())
        else:
            yield from (_file_identity(item.media) for item in data.items() if item.media)

    def _known(self, name: str) -> frozenset[str] | None:
        """The fields of the items of a source or stage; None if unknown, because user code is not imported."""
        entry = next(one for one in entries(self._task) if one.name == name)
        block = self._block(entry)
        upstreams = entry.upstreams if isinstance(entry, StageDef) else ()
        return None if block is None else block.known_fields([self._known(one.name) for one in upstreams])

    def _block(self, entry: Any) -> Block | None:
        if registry.own_code(entry.type, entry.params):
            return None
        return registry.block("stages" if isinstance(entry, StageDef) else "sources", entry.type, dict(entry.params))


def _names(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _file_identity(media: Media) -> str:
    """The identity of a file, of a source or of the store."""
    return f"{media.uri} of {media.size} bytes, {media.digest or media.etag or 'without digest'}"
