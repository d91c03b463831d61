"""Files with several items: collected while the stage assembles them, uploaded when the shard's outcomes are frozen.

Until then they are kept in the scratch folder, which must have space for the files of one shard. Payload is deleted as
soon as the file that contains it is collected.
"""

import shutil
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import ItemError, KeyRefused, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.rows import Output
from reelmill.contract.records.segment import Object
from reelmill_stages.records.lineage.assembled_from import AssembledFrom
from reelmill_stages.records.rows.encoded_item import EncodedItem
from reelmill_stages.runtime.outputs.item_row import item_row
from reelmill_stages.runtime.outputs.payload_versions import refuse_changed_payload
from reelmill_stages.runtime.outputs.upload import put_output, shard_mark
from reelmill_stages.runtime.workers.group_retry import InputOutcome, Slot
from reelmill_stages.stage import Assembled, File, Kept, NewItem, Refused, Shard, Stage
from reelmill_stages.store import Store
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.keys import check_names, check_new_key


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A finished file, moved to the folder of the assembly."""

    name: str
    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class FinishedGroup:
    files: tuple[FinishedFile, ...]
    """The assembled file, followed by the files of its items."""
    items: tuple[NewItem, ...]
    inputs: tuple[int, ...]
    """Positions in the shard of the inputs in the file."""
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UploadedGroups:
    """The objects in the store that the assembled files of a shard became."""

    objects: tuple[Object, ...] = ()
    items: tuple[EncodedItem, ...] = ()
    lineage: tuple[AssembledFrom, ...] = ()
    """Inputs of each assembled file and of each item, in order."""


NO_GROUPS = UploadedGroups()
"""Value for a shard without assembled files."""


class Assembly:
    """The files that a stage assembles from one shard."""

    def __init__(self, stage: Stage, shard: Shard, folder: Path, paths: SegmentPaths) -> None:
        self._stage = stage
        self._shard = shard
        self._folder = folder
        self._paths = paths
        self._names: set[str] = set()
        self._pulled: deque[InputOutcome] = deque()
        self._unreleased_inputs: dict[int, int] = {}
        self._in_file: tuple[int, ...] = ()
        self._badly_named: set[int] = set()
        """Positions of the inputs of files with names that no store can hold."""
        self.groups: list[FinishedGroup] = []
        self.refused: dict[int, Refused] = {}
        self.counters: Counter[str] = Counter()

    def run(self, results: Iterator[InputOutcome]) -> None:
        """Consume all results. Raises the exceptions of the stage and of `results`."""
        for assembled in self._stage.assemble(self._done_inputs(results), self._shard):
            if isinstance(assembled, Refused):
                self.refused[assembled.number] = assembled
            else:
                self._add_assembled(assembled)
        for outcome in results:  # the stage may not have consumed all of them
            self._release(outcome)
        self._release_through(None)
        # An input may be in several files: none of them is kept if one cannot be written.
        self.groups = [group for group in self.groups if self._badly_named.isdisjoint(group.inputs)]
        for group in self.groups:
            self.counters.update(group.counters)

    def _done_inputs(self, results: Iterable[InputOutcome]) -> Iterator[Kept]:
        for outcome in results:
            if outcome.result.done is None:
                self._release(outcome)
            else:
                self._pulled.append(outcome)
                yield Kept(outcome.given.input, outcome.result.done)

    def _add_assembled(self, assembled: Assembled) -> None:
        for new in assembled.items:
            self._check(new)
        made = [assembled.file, *(file for new in assembled.items for file in new.files)]
        problem = next(filter(None, map(self._name_problem, made)), "")
        files = () if problem else tuple([self._move(file) for file in made])
        # A second file with the same inputs does not release any.
        self._in_file = self._release_through(assembled.through) or self._in_file
        if problem:
            self._badly_named.update(self._in_file)
            numbers = [self._shard.first_number + position for position in self._in_file]
            self.refused |= {number: Refused(number, ItemReason.BAD_NAME, problem) for number in numbers}
            return
        self.groups.append(FinishedGroup(files, assembled.items, self._in_file, assembled.counters))

    def _name_problem(self, file: File) -> str:
        """Why no store can hold a file of this name; empty if one can. Raises SpecError for a name given twice."""
        try:
            check_names(check_new_key(self._paths.output(file.name)))
        except KeyRefused as error:
            return str(error)
        if file.name in self._names:
            raise SpecError(
                "the stage gives two files of a shard this name",
                where=file.name,
                hint="give every file of `assemble` its own name, for example with the number of its first input",
            )
        self._names.add(file.name)
        return ""

    def _check(self, new: NewItem) -> None:
        """Raise ValueError for an item that names an input which the shard does not have."""
        first, end = self._shard.first_number, self._shard.first_number + self._shard.count
        for number in new.inputs:
            if not first <= number < end:
                raise ValueError(f"item {new.key!r} has the input {number}, but this shard has {first} to {end - 1}")

    def _move(self, file: File) -> FinishedFile:
        place = self._folder / f"{sum(len(group.files) for group in self.groups):06d}-{file.path.name[-64:]}"
        number = 0
        while place.exists():
            number += 1
            place = place.with_name(f"{number}-{place.name}")
        shutil.move(file.path, place)
        return FinishedFile(file.name, place, file_digest(place))

    def _release_through(self, number: int | None) -> tuple[int, ...]:
        """Release the inputs up to this number; returns their positions."""
        released: list[int] = []
        while self._pulled and (number is None or self._pulled[0].given.input.number <= number):
            outcome = self._pulled.popleft()
            if outcome.result.done:
                refuse_changed_payload(outcome.result.done, outcome.result.payload)
            released.append(outcome.given.position)
            self._release(outcome)
        return tuple(released)

    def _release(self, outcome: InputOutcome) -> None:
        """Delete the scratch folder of a group when all of its inputs are assembled."""
        slot = outcome.slot
        left = self._unreleased_inputs.pop(id(slot), len(slot.group)) - 1
        if left:
            self._unreleased_inputs[id(slot)] = left
        else:
            remove_scratch(slot)


def remove_scratch(slot: Slot) -> None:
    """Delete the files of a group."""
    for folder in slot.folders:
        shutil.rmtree(folder, ignore_errors=True)


def upload_groups(
    store: Store, paths: SegmentPaths, shard: int, groups: Iterable[FinishedGroup], first_number: int
) -> UploadedGroups:
    """Upload the assembled files. `first_number` is the number of the shard's first input.

    Raises SpecError if another shard uses the name of a file, or this store cannot hold it; stages must choose unique
    and short names.
    """
    objects: list[Object] = []
    rows: list[EncodedItem] = []
    lineage: list[AssembledFrom] = []
    mark = shard_mark(paths.data_set.key, paths.number, shard)
    for group in groups:
        written: dict[str, Output] = {}
        for file in group.files:
            try:
                output = put_output(store, paths.output(file.name), file.path, mark, file.digest)
            except ItemError as error:
                raise SpecError(
                    f"shard {shard} cannot write this file: {error.what}",
                    where=file.name,
                    hint="let `assemble` choose other names, which differ between shards and between segments",
                ) from error
            written[file.name] = output
            objects.append(Object(key=output.key, size=output.size, digest=output.digest))
        rows += [item_row(new, written) for new in group.items]
        lineage.append(AssembledFrom(file=paths.output(group.files[0].name), inputs=group.inputs))
        lineage += [
            AssembledFrom(item=new.key, inputs=tuple(number - first_number for number in new.inputs))
            for new in group.items
        ]
    return UploadedGroups(tuple(objects), tuple(rows), tuple(lineage))
