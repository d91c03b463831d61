"""Every stream on the GPU's decoder: the frames of the plan, their times, and their pictures, beside the CPU's.

A stream that the table of decoders excludes must fall back with that reason, and the decoder is asked all the same:
where it gives frames, the table may be extended.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from prove_gpu.case import Case, failed, judged, passed, skipped
from prove_gpu.streams import STREAMS, Reference, Stream, reference, unmade
from reelmill_stages.media.decoding import gpu_decoder
from reelmill_stages.media.decoding.decode import Picture, decode, used_gpu
from reelmill_stages.media.decoding.picture import render
from reelmill_stages.media.decoding.reader import PacketReader
from reelmill_stages.media.gpu_fallback import with_collected_errors
from reelmill_stages.media.timeline.timeline import Timeline

PART = "decode"
GPU = 0
INEXACT = 3
"""Largest difference of a sample for codecs whose standards leave the inverse transform some freedom."""
RENDERED = 8
"""Largest difference of a rendered pixel for such codecs. For all others it is 0: layouts of planes make none."""


def run(_: Path, _device: str) -> Iterator[Case]:
    """All streams."""
    for stream in STREAMS:
        try:
            yield _one(stream, reference(stream))
        except subprocess.CalledProcessError as error:
            yield skipped(PART, stream.name, unmade(error))


def _one(stream: Stream, cpu: Reference) -> Case:
    excluded = gpu_decoder.refused(GPU, cpu.timeline)
    every = range(len(cpu.timeline))
    found = list(decode(cpu.path, cpu.timeline, every, gpu=GPU))
    if excluded is not None:
        problems = [] if {one.fallback for one in found} == {excluded} else ["the table's reason was not told"]
        problems += compared(found, cpu.pictures, exact=True)
        asked = _asked(cpu)
        if problems:
            return failed(PART, stream.name, "; ".join(problems))
        return passed(PART, stream.name, f"left to the CPU: {excluded.message}; the decoder, asked: {asked}")
    fallen = next((one.fallback for one in found if one.fallback), None)
    if fallen is not None:
        return failed(PART, stream.name, f"fell back ({fallen.reason}): {fallen.message}")
    planned = list(decode(cpu.path, cpu.timeline, every[3::7], gpu=GPU))
    problems = [] if all(map(used_gpu, found)) else ["not all frames came from the GPU"]
    problems += compared(found, cpu.pictures, exact=stream.exact)
    problems += [f"as planned: {one}" for one in compared(planned, cpu.pictures[3::7], exact=stream.exact)]
    return judged(PART, stream.name, problems, frames=len(found), largest=largest(found, cpu.pictures))


def compared(found: Sequence[Picture], wanted: Sequence[Picture], *, exact: bool) -> list[str]:
    """What is wrong with some pictures."""
    if [one.index for one in found] != [one.index for one in wanted]:
        return [f"the frames are {[one.index for one in found][:20]}"]
    if [one.frame.pts for one in found] != [one.frame.pts for one in wanted]:
        return ["the times of frames differ"]
    apart, seen = largest(found, wanted), rendered(found, wanted)
    limit = 0 if exact else INEXACT
    problems = [f"samples differ by up to {apart}, more than {limit}"] if apart > limit else []
    return [*problems, *([f"rendered pixels differ by up to {seen}"] if seen > (0 if exact else RENDERED) else [])]


def largest(found: Sequence[Picture], wanted: Sequence[Picture]) -> int:
    """The largest difference of a sample of two sequences of pictures."""
    return max((_apart(*pair) for pair in zip(found, wanted, strict=True)), default=0)


def _apart(one: Picture, other: Picture) -> int:
    name = other.frame.format.name
    ours, theirs = (picture.frame.reformat(format=name).to_ndarray().astype(np.int32) for picture in (one, other))
    return int(np.abs(ours - theirs).max())


def rendered(found: Sequence[Picture], wanted: Sequence[Picture]) -> int:
    """The largest difference of a pixel, as stages render pictures; of a few."""
    pairs = list(zip(found, wanted, strict=True))[::9]
    shown = ([render(picture.frame, width=160, height=96).astype(np.int32) for picture in pair] for pair in pairs)
    return max((int(np.abs(ours - theirs).max()) for ours, theirs in shown), default=0)


def _asked(cpu: Reference) -> str:
    """What the decoder does with a stream that the table excludes."""
    messages: list[str] = []
    try:
        frames = sum(1 for _ in with_collected_errors(alone(cpu.path, cpu.timeline), messages))
    except gpu_decoder.ERRORS as error:
        return f"refuses ({gpu_decoder.failure(error, messages, cpu.timeline).message})"
    return f"gives {frames} frames, so the table may be extended"


def alone(path: Path, timeline: Timeline) -> Iterator[av.VideoFrame]:
    """All frames of a file from the GPU's decoder, without any of reelmill's checks."""
    with PacketReader(path, timeline, hwaccel=gpu_decoder.device(GPU)) as reader:
        for _, packet in reader.run(0, len(timeline.packets.sizes) - 1):
            yield from reader.codec.decode(packet)
        yield from reader.codec.decode(None)
