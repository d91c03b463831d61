"""The `frames` stage: samples frames of each item into files for trainers.

All items of a group that share a file are decoded in one pass. A frame that cannot be decoded fails only the items that
need it; it is never replaced. A clip with fewer than `count` frames is padded with its last one, which is recorded in
its provenance and in the counter `padded`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill.contract.spec.stages.frames import FramesBlock, Split
from reelmill.contract.text.quantities import count_of
from reelmill_stages.item_errors import failed
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render
from reelmill_stages.media.gpu_fallback import NO_GPU
from reelmill_stages.media.timeline.item_span import span
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import (
    DataSetReader,
    Done,
    Failed,
    File,
    Input,
    NewItem,
    Result,
    Skipped,
    Stage,
    Work,
)
from reelmill_stages.stages.frames.facts import PLACEHOLDER, SIZES, caption, sample_name, sizes
from reelmill_stages.stages.frames.info import absolute, dataset_info
from reelmill_stages.stages.frames.sample import SampleWriter, take
from reelmill_stages.stages.frames.versions import versions
from reelmill_stages.stages.frames.writer import color, write_size, write_text
from reelmill_stages.weight import Weight

if TYPE_CHECKING:
    from reelmill_stages.stages.frames.captions.tokens import ClipTokens

Slots = list[Result | None]


class FramesStage(Stage):
    """Samples frames of items."""

    block: FramesBlock

    def check(self) -> None:
        if self.block.layout == "clip4mc":
            self._tokens_module()

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        results: Slots = [None] * len(group)
        files: dict[Media, list[int]] = {}
        for slot, given in enumerate(group):
            if self.block.max_samples is not None and given.number >= self.block.max_samples:
                results[slot] = Skipped(
                    ItemReason.CAP, f"only the first {count_of(self.block.max_samples, 'item')} are used"
                )
            elif given.item.media is None:
                results[slot] = Failed(ItemReason.NO_MEDIA, "the item has no file")
            else:
                files.setdefault(replace(given.item.media, span=None), []).append(slot)
        for media, slots in files.items():
            self._process_file(media, group, slots, results, work)
        return cast(Sequence[Result], results)

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        yield dataset_info(data, Split.model_validate(view.get("split", {})))

    def localise(self, view: Path, folder: Path) -> None:
        absolute(view, folder)

    def forecast(self, items: int, weight: Weight) -> int | None:
        """The size of raw pixels; JPEG files have about a tenth of it. With `all`, 30 frames per second are assumed.

        The number of frames of `all` and `fps` is known for items with a known duration.
        """
        frame = self.block.width * self.block.height * 3
        if self.block.layout == "jpg":
            frame = frame // 10 + 600
        per_second = 30.0 if self.block.all else self.block.fps
        if per_second is not None and weight.duration is None:
            return None
        frames = items * self.block.count if per_second is None else int((weight.duration or 0.0) * per_second)
        return frames * frame + items * 1024

    def _process_file(self, media: Media, group: Sequence[Input], slots: list[int], results: Slots, work: Work) -> None:
        """Process all samples of one file."""
        try:
            path = work.open(media)
            timeline = read_timeline(path)
        except ItemError as error:
            for slot in slots:
                results[slot] = failed(error)
            return
        samples: dict[int, SampleWriter] = {}
        for slot in slots:
            given = group[slot]
            try:
                self._check_input(given)
                folder = work.scratch / sample_name(given.number, given.item)
                samples[slot] = SampleWriter(self.block, take(self.block, timeline, span(given.item)), folder)
            except ItemError as error:
                results[slot] = failed(error)
        gpu = None if self.block.device == "cpu" else work.gpu
        try:
            self._decode(path, timeline, list(samples.values()), gpu)
        except ItemError as error:
            self._decode_one_by_one(path, timeline, samples, results, error, gpu)
        for slot, sample in samples.items():
            if results[slot] is None:
                results[slot] = self._sample_done(group[slot], sample, timeline, work)

    def _check_input(self, given: Input) -> None:
        """Validate everything that does not need decoding."""
        if self.block.layout == "clip4mc":
            caption(given.item.fields)
            sizes(given.item.fields)

    def _decode(self, path: MediaFile, timeline: Timeline, samples: Sequence[SampleWriter], gpu: int | None) -> None:
        """Decode the file once for all samples."""
        takers: dict[int, list[SampleWriter]] = {}
        for sample in samples:
            for index in dict.fromkeys(sample.taken.indices):
                takers.setdefault(index, []).append(sample)
        turned = Turned(timeline.shape)
        for picture in decode(path, timeline, list(takers), gpu=gpu):
            pixels = render(
                picture.frame,
                turned=turned.of(picture.frame),
                width=self.block.width,
                height=self.block.height,
                fit=self.block.fit,
                color=color(self.block),
            )
            for sample in takers[picture.index]:
                sample.add(picture, pixels)

    def _decode_one_by_one(
        self,
        path: MediaFile,
        timeline: Timeline,
        samples: Mapping[int, SampleWriter],
        results: Slots,
        error: ItemError,
        gpu: int | None,
    ) -> None:
        """After an error in the common pass, decode each incomplete sample separately."""
        for slot, sample in samples.items():
            if sample.complete:
                continue
            if len(samples) > 1:
                try:
                    sample.restart()
                    self._decode(path, timeline, [sample], gpu)
                    continue
                except ItemError as own:
                    error = own
            sample.discard()
            results[slot] = failed(error)

    def _sample_done(self, given: Input, sample: SampleWriter, timeline: Timeline, work: Work) -> Done:
        item = given.item
        paths = list(sample.close())
        fields: dict[str, Any] = {**item.fields, "sample": sample.folder.name, "frames": len(sample.taken.indices)}
        short = len(sample.taken.window) < self.block.count and not self.block.all and self.block.fps is None
        counters = {StageCounter.PADDED: int(short), **dict.fromkeys(timeline.special_properties(), 1)}
        if self.block.device == "gpu" and work.gpu is None:
            sample.fallback = NO_GPU
        if sample.fallback:
            counters |= sample.fallback.counters()
        if self.block.layout == "clip4mc":
            given_sizes = sizes(item.fields)
            fields["size"] = given_sizes or [PLACEHOLDER] * SIZES
            if given_sizes is None:
                fields["size_placeholder"] = True
                counters[StageCounter.SIZE_PLACEHOLDER] = 1
            paths.append(write_text(sample.folder, self._tokens(work).ids(caption(item.fields))))
            paths.append(write_size(sample.folder, fields["size"]))
        files = tuple(File(f"{sample.folder.name}/{path.name}", path) for path in paths)
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            files=files,
            fields=fields,
            provenance=self._provenance(given, sample, timeline),
        )
        return Done((made,), counters={name: count for name, count in counters.items() if count})

    def _provenance(self, given: Input, sample: SampleWriter, timeline: Timeline) -> dict[str, Any]:
        media = given.item.media
        before = {"from": dict(given.item.provenance)} if given.item.provenance else {}
        return {
            "source": media.to_json() if media else {},
            **sample.provenance(timeline),
            "params": self.block.canonical(),
            "versions": versions(),
            **before,
        }

    def _tokens(self, work: Work) -> "ClipTokens":
        made: type[ClipTokens] = self._tokens_module().ClipTokens
        chosen = self.block.tokenizer
        return made(chosen) if isinstance(chosen, str) else made("clip-hf", work.read(chosen.uri, chosen.digest or ""))

    @staticmethod
    def _tokens_module() -> ModuleType:
        """Import `tokens`, only for layouts with captions, because it requires additional packages."""
        try:
            return import_module("reelmill_stages.stages.frames.captions.tokens")
        except ModuleNotFoundError as error:
            raise SpecError(
                f"layout clip4mc requires the package {error.name!r}, which is not installed",
                where="frames",
                hint="install reelmill-stages with the extra text",
            ) from error
