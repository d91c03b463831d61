"""The `write` stage: collects samples in files of a training library's format.

A file contains the samples of a fixed range of `samplesPerFile` inputs, or of a part of it if `maxFileBytes` is
reached, so its content does not depend on the division into shards; failed items are missing. The item of a file has
what the views need, so that they are made from rows alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.stages.write import WriteBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    File,
    Input,
    Kept,
    NewItem,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.stages.write.columns import columns_of, values_of
from reelmill_stages.stages.write.format import DataSetFormat, FormatFile, FormatSample, format_of
from reelmill_stages.stages.write.samples import files_of
from reelmill_stages.weight import Weight

_BYTES_PER_SECOND = 250_000


class WriteStage(Stage):
    """Writes items in a format. Reasons: those of `samples` and `columns`, and of the format."""

    spans = True
    pace = 0.002

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, WriteBlock)
        self._block = block
        self._columns = columns_of(block)
        self._format = format_of(block)

    def check(self) -> None:
        self._format.check()

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        part: _PartFile | None = None
        try:
            for one in kept:
                sample = _format_sample(one)
                number = (one.input.number - shard.first_number) // self._block.samples_per_file
                size = _sample_size(sample)
                if part and (part.number != number or part.size + size > self._block.max_file_bytes):
                    full, part = part, None
                    yield full.finish()
                if part is None:
                    part = _PartFile(self._format, shard.scratch, one.input.number, number)
                part.add(one.input.number, sample, size)
            if part:
                full, part = part, None
                yield full.finish()
        finally:
            if part:
                part.discard()

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        return self._format.views(data)

    def localise(self, view: Path, folder: Path) -> None:
        self._format.localise(view, folder)

    def forecast(self, items: int, weight: Weight) -> int | None:
        if self._block.media == "none":
            return items * 1000
        return None if weight.unknown else int(weight.bytes + weight.seconds * _BYTES_PER_SECOND)

    def _process_input(self, given: Input, work: Work) -> Result:
        scratch = work.scratch / f"{given.number:09d}"
        scratch.mkdir()
        try:
            values = values_of(self._columns, given.item)
            files = files_of(given.item, self._block, work, scratch, self._format.max_sample_bytes)
            named = {column.name: value for column, value in zip(self._columns, values, strict=True)}
            facts = self._format.inspect(files, named)
        except ItemError as error:
            return failed(error)
        names = {file.column: file.name for file in files}
        payload = tuple(File(file.column, file.path) for file in files)
        return Done(payload=payload, fields={"values": values, "names": names, "facts": facts})


def _format_sample(one: Kept) -> FormatSample:
    fields: Mapping[str, Any] = one.done.fields
    files = tuple(FormatFile(file.name, fields["names"][file.name], file.path) for file in one.done.payload)
    return FormatSample(fields["values"], files, fields["facts"])


def _sample_size(sample: FormatSample) -> int:
    """Return the approximate size of a sample in any format in bytes."""
    files = sum(file.path.stat().st_size for file in sample.files)
    return files + len(json.dumps(sample.values, ensure_ascii=False).encode())


class _PartFile:
    """A file that is being written: range `number` of the shard, from the input `first` on."""

    def __init__(self, format_: DataSetFormat, scratch: Path, first: int, number: int) -> None:
        self.number = number
        self.size = 0
        self._path = scratch / f"part-{first:09d}.{format_.suffix}"
        self._writer = format_.writer(self._path)
        self._numbers: list[int] = []

    def add(self, number: int, sample: FormatSample, size: int) -> None:
        self._writer.add(sample)
        self._numbers.append(number)
        self.size += size

    def finish(self) -> Assembled:
        """Complete the file and return it with its item."""
        more = self._writer.finish()
        size = self._path.stat().st_size
        counted = {"samples": len(self._numbers), "first": self._numbers[0], "last": self._numbers[-1]}
        item = NewItem(
            self._path.stem,
            self._path.stem,
            float(size),
            media=self._path.name,
            files=more.files,
            fields={**counted, "bytes": size, **more.fields},
        )
        return Assembled(File(self._path.name, self._path), (item,), through=self._numbers[-1])

    def discard(self) -> None:
        self._writer.discard()
