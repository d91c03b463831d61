"""`reelmill repair`: damaged files of indexes of kept inputs, made again from the records of their pass."""

import tempfile
from collections.abc import Collection
from pathlib import Path

from reelmill.contract.errors import SpecError, StoreError
from reelmill.contract.records.segment import Object, Segment
from reelmill.contract.task import SourceDef, StageDef
from reelmill_stages import registry
from reelmill_stages.commands.integrity.put_back import NotRepaired, put_back
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.decide.rebuild import rebuilt
from reelmill_stages.store.digests import file_digest


class DamagedIndexes:
    """The damaged files of the indexes of a data set, by segment. Files of one index are made again together."""

    def __init__(self, data: DataSet, entry: SourceDef | StageDef, damaged: Collection[str], aside: str) -> None:
        """`damaged` are keys of objects, `aside` is the folder of the trash."""
        self._data = data
        self._entry = entry
        self._aside = aside
        self._segments: dict[str, Segment] = {}
        self._damaged = frozenset(damaged)
        self._made: dict[str, str | bool] = {}
        if isinstance(entry, StageDef) and damaged:
            self._find_segments()

    def has(self, key: str) -> bool:
        """Whether a damaged object is a file of an index."""
        return key in self._segments

    def again(self, key: str) -> bool:
        """Make a file of an index again; returns whether another object was moved to the trash. Raises NotRepaired."""
        if key not in self._made:
            self._rebuild(self._segments[key])
        made = self._made[key]
        if isinstance(made, str):
            raise NotRepaired(made)
        return made

    def _find_segments(self) -> None:
        try:
            for segment in self._data.segments():
                files = segment.kept.files if segment.kept else ()
                self._segments |= {file.key: segment for file in files if file.key in self._damaged}
        except StoreError:
            return

    def _rebuild(self, segment: Segment) -> None:
        wanted = [key for key, one in self._segments.items() if one.segment == segment.segment]
        self._made |= dict.fromkeys(wanted, "the signatures and verdicts of its pass do not produce this file now")
        before = DataSet(self._data.store, self._data.names, until=segment.segment - 1)
        try:
            assert isinstance(self._entry, StageDef)
            stage = registry.stage(self._entry.type, dict(self._entry.params))
            with tempfile.TemporaryDirectory(prefix="reelmill-repair-") as folder:
                for file, path in rebuilt(before, segment, stage, Path(folder)):
                    if file.key in wanted:
                        self._put(file, path)
        except (SpecError, StoreError) as error:
            why = f"a record that it is made from cannot be read: {error}"
            self._made |= {key: why for key in wanted if isinstance(self._made[key], str)}

    def _put(self, file: Object, path: Path) -> None:
        if file_digest(path) != file.digest:
            self._made[file.key] = "the signatures and verdicts of its pass now produce other bytes"
            return
        try:
            self._made[file.key] = put_back(self._data.store, file, path, {}, self._aside)
        except NotRepaired as reason:
            self._made[file.key] = str(reason)
