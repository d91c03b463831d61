"""Decoding of selected frames of a video, bit-identical to a full decode; otherwise an error, never a substitute.

Only GOPs that contain wanted frames are read, and frames in them that nothing depends on are skipped: by the decoder,
or, for AV1, by leaving out their packets. If this plan cannot deliver every frame undamaged, the rest is decoded once
more from the start; frames that still fail are `corrupt`, `truncated` or `decode_error`. With a GPU, the same plan runs
on its decoder first, unless the decoder is known not to support the video. docs/endurance.md lists the losses that
cannot be detected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from av.codec.hwaccel import HWAccel
from av.video.frame import PictureType

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.usage import Bound
from reelmill_stages.media.bitstream.av1 import Av1References
from reelmill_stages.media.container.demux import damage
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.decoding import gpu_decoder
from reelmill_stages.media.decoding.delivery import Damaged, Delivery
from reelmill_stages.media.decoding.reader import PacketReader
from reelmill_stages.media.gpu_fallback import GpuFallback, with_collected_errors
from reelmill_stages.media.timeline.decode_plan import Run, runs, separate_runs
from reelmill_stages.media.timeline.index_check import expect
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile, local_path
from reelmill_stages.metering.work_clock import CLOCK

Kind = Literal["I", "P", "B", "?"]
_KINDS: dict[int, Kind] = {PictureType.I: "I", PictureType.P: "P", PictureType.B: "B"}
_SKIPPING = {"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vp8", "vp9"}
"""Codecs whose decoders check `skip_frame` before each packet; dav1d, for example, reads it once."""
_AV1 = {"av1", "libdav1d"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded frame. `frame` has the coded size and orientation; `picture.render` makes it upright."""

    index: int
    """Index in the timeline."""
    pts: int
    """Ticks of the timeline's time base."""
    frame: av.VideoFrame
    kind: Kind
    decoder: str
    """Name of the decoder; ends in `(cuda)` for a GPU."""
    fallback: GpuFallback | None = None
    """Why a requested GPU did not decode the frame; None: it did, or none was requested."""


def decode(
    path: MediaFile, timeline: Timeline, indices: Sequence[int], *, gpu: int | None = None, whole: bool = False
) -> Iterator[Picture]:
    """Yield the wanted frames in presentation order, each once.

    `gpu` is the index of a GPU to try first; the CPU does what the GPU cannot (`Picture.fallback` has the reason). With
    `whole`, everything is decoded from the start, without a plan.

    Raises IndexError for indices outside the timeline, ItemError(`missing`, `corrupt`, `truncated`, `decode_error`),
    and WholeFileNeeded if ranges of a remote file are not enough.
    """
    wanted = sorted(set(indices))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < len(timeline):
        raise IndexError(f"frame {wanted[-1] if wanted[0] >= 0 else wanted[0]} of {len(timeline)}")
    return _decode_with_fallbacks(path, timeline, wanted, gpu, whole=whole)


def used_gpu(picture: Picture) -> bool:
    """Whether a GPU decoded the picture."""
    return picture.decoder.endswith("(cuda)")


def _decode_with_fallbacks(
    path: MediaFile, timeline: Timeline, wanted: list[int], gpu: int | None, *, whole: bool
) -> Iterator[Picture]:
    """Try each way of decoding in turn; each continues where the previous one failed."""
    done = 0
    fallback = None if gpu is None else gpu_decoder.refused(gpu, timeline)
    if gpu is not None and fallback is None:
        messages: list[str] = []
        try:
            for picture in with_collected_errors(
                _decode_once(path, timeline, wanted, hwaccel=gpu_decoder.device(gpu)), messages
            ):
                done += 1
                yield picture
        except gpu_decoder.ERRORS as error:
            fallback = gpu_decoder.failure(error, messages, timeline)
    if fallback is not None:
        fallback.log()
    trouble: Damaged | None = None
    for decodes_all in _whole_file_attempts(path, whole=whole or timeline.counted):
        wanted, done = wanted[done:], 0
        if not wanted:
            return
        try:
            for picture in _decode_once(path, timeline, wanted, whole=decodes_all, fallback=fallback):
                done += 1
                yield picture
        except Damaged as error:
            local_path(path, f"frame {error.index} cannot be decoded as planned")
            trouble = error
        else:
            return
    if trouble is not None:
        reason = ItemReason.TRUNCATED if is_cut_short(path) else trouble.reason
        where = f"frame {trouble.index} of {len(timeline)}"
        raise ItemError(reason, f"{path.name}: {where} cannot be decoded: {trouble}") from trouble


def _whole_file_attempts(path: MediaFile, *, whole: bool) -> tuple[bool, ...]:
    return (True,) if whole else (False, True) if isinstance(path, Path) else (False,)


def _decode_once(
    path: MediaFile,
    timeline: Timeline,
    wanted: list[int],
    *,
    hwaccel: HWAccel | None = None,
    whole: bool = False,
    fallback: GpuFallback | None = None,
) -> Iterator[Picture]:
    """Decode in one way. Raises Damaged at the first wanted frame that cannot be decoded."""
    delivery = Delivery(timeline, wanted)
    with PacketReader(path, timeline, hwaccel=hwaccel) as reader:
        name = reader.codec.codec.name + (" (cuda)" if hwaccel is not None else "")
        leaves_out = not whole and not timeline.counted and not timeline.layered
        skip = leaves_out and timeline.codec in _SKIPPING
        references = Av1References(reader.codec.extradata or b"") if leaves_out and timeline.codec in _AV1 else None
        planned = _runs(timeline, wanted, whole=whole)
        expect(path, timeline.packets, [(run.first, run.last) for run in planned])
        for run in planned:
            for index, frame in _decode_run(path, timeline, reader, run, delivery, references, skip=skip):
                kind = _KINDS.get(frame.pict_type, "?")
                yield Picture(index, timeline.pts[index], frame, kind, name, fallback)


def _runs(timeline: Timeline, wanted: list[int], *, whole: bool) -> list[Run]:
    if not wanted:
        return []
    numbers = [timeline.numbers[index] for index in wanted]
    if timeline.counted:
        return separate_runs(numbers, timeline.packets.starts)
    if whole or not timeline.steady:
        return [Run(timeline.packets.keys.index(True), max(numbers), frozenset(numbers))]
    return runs(numbers, timeline.packets.starts)


def _decode_run(
    path: MediaFile,
    timeline: Timeline,
    reader: PacketReader,
    run: Run,
    delivery: Delivery,
    references: Av1References | None,
    *,
    skip: bool,
) -> Iterator[tuple[int, av.VideoFrame]]:
    codec = reader.codec
    skipping = False
    for number, packet in reader.run(run.first, run.last):
        if number in timeline.damaged:
            delivery.record_damage(number, run)
        if references and references.is_unreferenced(memoryview(packet)) and number not in run.wanted:
            continue
        if skip and skipping is (number in run.wanted):
            skipping = not skipping
            codec.skip_frame = "NONREF" if skipping else "DEFAULT"
        try:
            with CLOCK.on(Bound.DECODE):
                frames = codec.decode(packet)
        except av.FFmpegError as error:
            if codec.is_hwaccel:  # the CPU decides whether the file is at fault
                raise
            _raise_unless_damage(path, error)
            delivery.record_damage(number, run)
            continue
        for frame in frames:
            yield from delivery.take(frame, run)
    codec.skip_frame = "DEFAULT"
    try:
        with CLOCK.on(Bound.DECODE):
            frames = codec.decode(None)
        for frame in frames:
            yield from delivery.take(frame, run)
    except av.FFmpegError as error:
        if codec.is_hwaccel:
            raise
        _raise_unless_damage(path, error)
        delivery.record_damage(run.last, run)
    yield from delivery.end(run)
    codec.flush_buffers()


def _raise_unless_damage(path: MediaFile, error: av.FFmpegError) -> None:
    """Raise the error if it is the machine's fault, such as a lack of memory, and not the file's."""
    meaning = damage(path, error)
    if not isinstance(meaning, ItemError):
        raise meaning from error
