"""The `normalise` stage: one video at a time; a video that already has the wanted form keeps its file."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.normalise import NormaliseBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.item_errors import failed
from reelmill_stages.media import ffmpeg, probe
from reelmill_stages.media.cutting.cut import Cut
from reelmill_stages.media.cutting.encode import ENCODERS, Encoding, encode
from reelmill_stages.media.cutting.hidden_regions import PictureRegion, hiding_filters
from reelmill_stages.media.cutting.remux import Remuxer, remuxer
from reelmill_stages.media.cutting.shape_check import PictureForm, differences, exact_rate, filters
from reelmill_stages.media.gpu_fallback import GpuFallback, fallback
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, File, Input, NewItem, Result, Stage, Work
from reelmill_stages.stages.normalise.same_times import Times, times_of, verify_times
from reelmill_stages.stages.normalise.sound_form import SoundPlan, sound_plan
from reelmill_stages.weight import Weight

_MP4 = "mov,mp4"


class NormaliseStage(Stage):
    """Converts videos to one form.

    Reasons: those of `read_timeline`, `virtual_clip`, `bad_span`, `clock_jumps`, `unverified`, `ffmpeg_failed`,
    `encode_timeout`. Counters: `unchanged`, `remuxed`, `pictures_copied`, `sound_copied`, `gpu_encoded`,
    `gpu_fallback`, `quieter`, `hidden`.
    """

    alone = True
    pace = 0.5
    block: NormaliseBlock

    def check(self) -> None:
        for codec in {self.block.codec, "h264" if self.block.codec == "h264_nvenc" else self.block.codec}:
            if not ffmpeg.has_encoder(ENCODERS[codec]):
                raise SpecError(
                    f"{ffmpeg.binary().path} has no encoder {ENCODERS[codec]}",
                    hint="choose another codec, or another ffmpeg",
                )

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def forecast(self, items: int, weight: Weight) -> int | None:
        """About 2 Mbit/s of video."""
        return None if weight.duration is None else int(weight.duration * 250_000)

    def _process_input(self, given: Input, work: Work) -> Result:
        media = given.item.media
        try:
            if media is None:
                raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
            if wrong := item_span.uncut(given.item, "put a clip stage before this one (mode copy or reencode)"):
                raise wrong
            path = work.fetch(media)
            timeline = read_timeline(path)
            with remuxer(path, timeline, audio=self.block.audio == "keep") as source:
                return self._normalised_item(given, source, work)
        except ItemError as error:
            return failed(error)

    def _normalised_item(self, given: Input, source: Remuxer, work: Work) -> Done:
        path, timeline = Path(str(source.path)), source.timeline
        pictures = differences(source, probe(path).main, self._form)
        if self.block.hide:
            pictures.append("hidden")
        sound = sound_plan(source, self.block.sound)
        dropped = self.block.audio == "drop" and bool(source.container.streams.audio)
        kept_in = [] if _MP4 in timeline.container and not dropped else ["container"]
        if not (pictures or sound.differs or kept_in):
            return self._unchanged_item(given, sound)
        stem = safe_stem(str(given.item.fields.get("name") or given.item.fields.get("vid") or given.item.key))
        target = work.scratch / f"{given.number}.mp4"
        before = times_of(path, timeline, audio=source.audio is not None)
        how, counters = self._write(source, pictures, sound, before, target)
        after = verify_times(target, before, self._form.rate)
        file = File(f"videos/{given.number:06d}_{stem}.mp4", target)
        item = given.item
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=float(after.seconds),
            media=file.name,
            files=(file,),
            fields={**item.fields, "normalised": [*pictures, *sound.differs, *kept_in]},
            provenance={
                "source": item.media.to_json() if item.media else {},
                "params": self.block.canonical(),
                **how,
                **sound.to_json(),
                "before": before.to_json(),
                "after": after.to_json(),
                "ffmpeg": ffmpeg.binary().banner,
                **({"from": dict(item.provenance)} if item.provenance else {}),
            },
        )
        counters |= {StageCounter.QUIETER: int(sound.held_back), StageCounter.HIDDEN: int(self.block.hide is not None)}
        return Done((made,), counters={name: count for name, count in counters.items() if count})

    def _unchanged_item(self, given: Input, sound: SoundPlan) -> Done:
        item = given.item
        provenance = {**sound.to_json(), **({"from": dict(item.provenance)} if item.provenance else {})}
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            media=item.media,
            fields={**item.fields, "normalised": []},
            provenance={"params": self.block.canonical(), **provenance},
        )
        counters = {StageCounter.UNCHANGED: 1, StageCounter.QUIETER: int(sound.held_back)}
        return Done((made,), counters={name: count for name, count in counters.items() if count})

    def _write(
        self, source: Remuxer, pictures: list[str], sound: SoundPlan, before: Times, target: Path
    ) -> tuple[dict[str, Any], dict[str, int]]:
        """Write the output, copying what can be copied; returns (how, counters)."""
        cut = _whole_cut(source)
        if not pictures and not sound.differs:
            piece = source.slice_of(cut)
            if piece is not None:
                try:
                    source.copy(cut, piece, target)
                except ItemError as error:
                    if error.reason != ItemReason.UNVERIFIED:
                        raise
                else:
                    return {"mode": "copy"}, {StageCounter.REMUXED: 1}
        keeps_sound = not sound.differs and source.audio is not None and cut.start == 0 and source.sounds_alike(cut)
        how = self._encoding(source, sound, keeps_sound=keeps_sound)
        if not pictures and cut.start == 0:
            try:
                encode(source, cut, target, replace(how, copies_pictures=True, rate=None))
                verify_times(target, before, None)
            except ItemError as error:
                if error.reason not in (ItemReason.UNVERIFIED, ItemReason.FFMPEG_FAILED):
                    raise
            else:
                if keeps_sound or source.audio is None:
                    return {"mode": "copy"}, {StageCounter.REMUXED: 1}
                return {"mode": "copy", "sound": "reencode"}, {StageCounter.PICTURES_COPIED: 1}
        gpu_fallback: GpuFallback | None = None
        try:
            encode(source, cut, target, how)
        except ItemError as error:
            if self.block.codec != "h264_nvenc" or error.reason != ItemReason.FFMPEG_FAILED:
                raise
            gpu_fallback = fallback([error.what])
            gpu_fallback.log()
            how = replace(how, codec="h264")
            encode(source, cut, target, how)
        counters = {
            StageCounter.SOUND_COPIED: int(keeps_sound),
            StageCounter.GPU_ENCODED: int(how.codec == "h264_nvenc"),
            **(gpu_fallback.counters() if gpu_fallback else {}),
        }
        details = {"mode": "reencode", "encoder": how.encoder, "crf": how.crf, "preset": how.preset}
        return {**details, **(gpu_fallback.to_json() if gpu_fallback else {})}, counters

    def _encoding(self, source: Remuxer, sound: SoundPlan, *, keeps_sound: bool) -> Encoding:
        return Encoding(
            codec=self.block.codec,
            crf=self.block.crf,
            preset=self.block.preset,
            filters=filters(source, self._form),
            last_filters=self._hiding_filters,
            pixel_format=self.block.pixel_format,
            rate=self._form.rate,
            sound_filters=sound.filters,
            sound={"c:a": "copy"} if keeps_sound else sound.options,
        )

    @cached_property
    def _hiding_filters(self) -> tuple[str, ...]:
        hide = self.block.hide
        if hide is None:
            return ()
        regions = [PictureRegion(each.left, each.top, each.width, each.height) for each in hide.regions]
        return hiding_filters(regions, hide.method, self.block.pixel_format)

    @cached_property
    def _form(self) -> PictureForm:
        block = self.block
        return PictureForm(
            codec=block.codec,
            pixel_format=block.pixel_format,
            max_side=block.max_side,
            rate=None if block.fps is None else exact_rate(block.fps),
            deinterlace=block.deinterlace,
            tone_map=block.tone_map,
        )


def _whole_cut(source: Remuxer) -> Cut:
    shown = source.timeline.whole
    return Cut(shown.frames, shown.start, shown.end, source.timeline.time_base)
