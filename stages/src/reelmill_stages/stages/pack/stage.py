"""The `pack` stage: packs one sample per item into tars, with the files that trainers need to open them.

A tar contains the samples of a fixed range of `samplesPerTar` inputs, so its content does not depend on the division
into shards; failed items are missing. Keys are numbers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    Failed,
    File,
    Input,
    Kept,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.stages.pack.sample import PackInput, Sampler
from reelmill_stages.stages.pack.samplers import load
from reelmill_stages.stages.pack.shard import SampleTar
from reelmill_stages.tar.trainer_files import energon, front_matter


class PackStage(Stage):
    """Packs items into webdataset tars.

    Counters: those of the sampler, and the words of `Timeline.special_properties`.
    """

    spans = True

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, PackBlock)
        self._block = block
        self._sampler: Sampler | None = None
        self.pace = 0.002 if block.sampler == "video_only" else 0.05

    def check(self) -> None:
        load(self._block)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        timelines: dict[MediaFile, Timeline] = {}
        return [self._process_input(input_, work, timelines) for input_ in group]

    def _process_input(self, input_: Input, work: Work, timelines: dict[MediaFile, Timeline]) -> Result:
        item = input_.item
        if item.media is None and "images" not in item.fields:
            return Failed(ItemReason.NO_MEDIA, f"{item.key} has no file to pack")
        if self._sampler is None:
            self._sampler = load(self._block)
        scratch = work.scratch / f"{input_.number:09d}"
        scratch.mkdir()
        try:
            lend = work.fetch if self._block.sampler == "video_only" else work.open
            file = lend(item.media) if item.media else None
            sample = self._sampler.sample(PackInput(item, file, scratch, timelines, work.fetch))
            sample.check(scratch)
        except ItemError as error:
            return failed(error)
        # The json is written with the tar, because it contains the key, which `compat` determines there.
        return Done(
            payload=sample.parts,
            fields={"json": dict(sample.fields), "names_as": sample.names_as},
            counters={**sample.counters, **_timeline_counters(timelines.get(file) if file else None)},
        )

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled]:
        per_tar = self._block.samples_per_tar
        tar: SampleTar | None = None
        try:
            for one in kept:
                place = one.input.number - shard.first_number
                number, row = divmod(place, per_tar)
                full = None
                if tar is None or tar.number != number:
                    full, tar = tar, SampleTar(shard, number)
                # Written before the previous tar is yielded, because consumed payload is deleted then.
                tar.add(one, f"{row if self._block.keys == 'compat' else one.input.number:09d}")
                if full:
                    yield full.finish()
                if row == per_tar - 1 or place == shard.count - 1:
                    full, tar = tar, None
                    yield full.finish()
            if tar:
                full, tar = tar, None
                yield full.finish()
        finally:
            if tar:
                tar.discard()

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        counts: dict[str, int] = {}
        kinds: set[str] = set()
        for item in data.items():
            if item.media is not None:
                counts[item.media.uri.removeprefix(f"{data.root}/")] = item.fields["samples"]
                kinds |= set(item.fields["kinds"])
        if not counts:
            return
        for name, text in {**energon(counts, kinds), "README.md": front_matter(data.name, counts)}.items():
            path = data.scratch / name.replace("/", "_")
            path.write_text(text, encoding="utf-8")
            yield File(name, path)


def _timeline_counters(timeline: Timeline | None) -> dict[str, int]:
    """Return counters of the words of `Timeline.special_properties`; empty for files that no sampler opened."""
    return dict.fromkeys(timeline.special_properties(), 1) if timeline else {}
