"""`normalise` with the GPU's encoder: the times are those of the source, and the pictures are close to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import footage
from cliprig import Rig
from prove_gpu.case import Case, failed, judged, skipped
from reelmill.contract.counters import StageCounter
from reelmill.contract.spec.stages.normalise import NormaliseBlock
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import render
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.normalise.stage import NormaliseStage

PART = "normalise"
CASE = "h264_nvenc"


def run(folder: Path, _device: str) -> Iterator[Case]:
    """A video in half its size."""
    source = footage.video(size=(640, 384), audio=False)
    stage = NormaliseStage(NormaliseBlock.model_validate({"codec": "h264_nvenc", "maxSide": 320, "crf": 20}))
    stage.check()
    rig = Rig(folder)
    (result,) = stage.process([Input(rig.item("a", source), 0)], rig)
    if not isinstance(result, Done):
        yield failed(PART, CASE, f"{type(result).__name__}: {result.reason}: {result.message}")
        return
    if StageCounter.GPU_FALLBACK_CODEC in result.counters:
        told = result.items[0].provenance["gpu_fallback"]["message"]
        yield skipped(PART, CASE, f"this GPU has no encoder for h264: {told}")
        return
    problems = [] if StageCounter.GPU_ENCODED in result.counters else [f"counted {dict(result.counters)}"]
    made = result.items[0].files[0].path
    before, after = read_timeline(source), read_timeline(made)
    seconds = [[round(one.seconds(at), 6) for at in range(len(one))] for one in (before, after)]
    problems += ["frames are shown at other times"] if seconds[0] != seconds[1] else []
    wanted = range(0, min(len(before), len(after)), 10)
    ours, theirs = (
        [render(one.frame, width=160, height=96).astype(np.int32) for one in decode(path, timeline, wanted)]
        for path, timeline in ((made, after), (source, before))
    )
    apart = float(np.mean([np.abs(one - other).mean() for one, other in zip(ours, theirs, strict=True)]))
    problems += [f"pictures differ by {apart:.1f} of 255 on average"] if apart > 8 else []
    yield judged(PART, CASE, problems, average_difference=round(apart, 2), frames=len(after))
