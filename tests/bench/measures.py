"""Benchmark of measures against the bare decode of the same frames, and of feeding a model.

A share is the additional time of the stage compared with decoding and dropping the frames that it uses; for a model,
compared with decoding them and running the model on prepared pixels.
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import films
from bench.row import NotRun, Row, begin, emit
from bench.timing import Times, in_turns, one_core
from cluster.unavailable import Unavailable
from measure.models_home import model
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.measure_models import FacesModel, NsfwModel
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.measure import FrameChoice, MeasureBlock
from reelmill_stages.measuring.models import load_models
from reelmill_stages.measuring.selection import chosen
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.clip.stage import ClipStage
from reelmill_stages.stages.measure.stage import MeasureStage
from worker_desk import Desk

TARGET, FEEDING, SHARED = 0.25, 0.05, 1.3
CHOICES = {"2 frames a second": {"fps": 2}, "all frames": {"all": True}}
TECHNICAL = {"sound": False}
NO_MEASURES = {"picture": False, "motion": False, "sound": False}
_ITEM = Item("a", 0, "a", 30.0, None)


class Ours:
    """The stage on one video, with everything loaded that a worker loads once."""

    def __init__(self, path: Path, **params: Any) -> None:
        self._given = Input(Item("a", 0, "a", 30.0, Media(str(path), 0)), 0)
        self._stage = MeasureStage(MeasureBlock.model_validate(params))

    def __call__(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            (result,) = self._stage.process([self._given], Desk(Path(scratch)))
            assert isinstance(result, Done), result


def indices(path: Path, choice: FrameChoice) -> Sequence[int]:
    timeline = read_timeline(path)
    return list(chosen(choice, timeline, timeline.whole))


def bare(path: Path, wanted: Sequence[int]) -> None:
    """The timeline is read as by the stage; frames are dropped."""
    for _ in decode(path, read_timeline(path), wanted):
        pass


def pixels(path: Path, wanted: Sequence[int]) -> list[Any]:
    timeline = read_timeline(path)
    turned = Turned(timeline.shape)
    found = []
    for picture in decode(path, timeline, wanted):
        upright = turned.of(picture.frame)
        width, height = shown_size(picture.frame, upright)
        found.append(render(picture.frame, width=width, height=height, color="bgr", turned=upright))
    return found


def share(times: Times) -> tuple[float, float | None]:
    """The additional time of reelmill, by wall time and by CPU time."""
    by_cpu = times.cpu_ratio
    return 1 / times.ratio - 1, None if by_cpu is None else 1 / by_cpu - 1


def technical(case: str, rounds: int) -> None:
    path = films.clip(case)
    for name, choice in CHOICES.items():
        wanted = indices(path, FrameChoice.model_validate(choice))
        times = in_turns(Ours(path, frames=choice, **TECHNICAL), partial(bare, path, wanted), rounds)
        emit(
            Row(
                "measure", f"{name}, pictures and motion, {case}", "bare decode of the same frames",
                *times.medians, "s", *share(times), TARGET, at_most=True, rounds=times.rounds,
            )
        )  # fmt: skip


def shared(size: str, rounds: int) -> None:
    """Scenes and their measures in one decode, against scenes alone, and against two stages."""
    path = films.shots(size)
    item = Item("a", 0, "a", 30.0, Media(str(path), 0), fields={"vid": "a"})

    def clips(**block: Any) -> list[Input]:
        with tempfile.TemporaryDirectory() as scratch:
            stage = ClipStage(ClipBlock.model_validate({"by": "scenes", "mode": "virtual", **block}))
            (result,) = stage.process([Input(item, 0)], Desk(Path(scratch)))
            assert isinstance(result, Done), result
        made = [(one, one.media) for one in result.items]
        return [
            Input(Item(one.key, number, one.group, one.weight, media, fields=one.fields), number)
            for number, (one, media) in enumerate(made)
            if isinstance(media, Media)
        ]

    stage = MeasureStage(MeasureBlock.model_validate(TECHNICAL))

    def measured(found: list[Input]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            stage.process(found, Desk(Path(scratch)))

    def apart() -> None:
        measured(clips())

    all_frames = {**TECHNICAL, "frames": {"all": True}}
    both, both_all = partial(clips, measure=TECHNICAL), partial(clips, measure=all_frames)
    compared = (
        ("", "scenes alone", both, clips, SHARED),
        ("", "a stage for each", both, apart, 1.0),
        (" of all frames", "those measures alone", both_all, Ours(path, **all_frames), SHARED),
    )
    for of, name, act, peer, target in compared:
        times = in_turns(act, peer, rounds)
        by_cpu = times.cpu_ratio
        emit(
            Row(
                "measure", f"scenes and measures{of} in one decode, {size}, beside {name}", name, *times.medians, "s",
                1 / times.ratio, None if by_cpu is None else 1 / by_cpu, target, at_most=True, rounds=times.rounds,
            )
        )  # fmt: skip


def feeding(case: str, rounds: int) -> None:
    path, choice = films.clip(case), FrameChoice(count=16)
    wanted, ready = indices(path, choice), pixels(path, indices(path, choice))
    try:
        blocks = {
            "faces": FacesModel(weights=FileRef(uri=str(model("faces")))),
            "nsfw": NsfwModel(weights=FileRef(uri=str(model("nsfw")))),
        }
    except Unavailable as problem:
        raise NotRun(str(problem)) from problem
    for name, block in blocks.items():
        whole = MeasureBlock.model_validate({name: block.model_dump(), **NO_MEASURES})
        (loaded,) = load_models(whole, lambda ref: Path(ref.uri)).frames

        def apart(loaded: Any = loaded) -> None:
            bare(path, wanted)
            for each in ready:
                loaded.look(each, _ITEM)

        ours = Ours(path, **{name: block.model_dump()}, model_frames=choice, **NO_MEASURES)
        times = in_turns(ours, apart, rounds)
        emit(
            Row(
                "measure", f"feeding the model of {name}, 16 frames, {case}", "bare decode, then the model alone",
                *times.medians, "s", *share(times), FEEDING, at_most=True, rounds=times.rounds,
            )
        )  # fmt: skip


def main(rounds: int) -> None:
    cases = ("720p GOP 250", "720p GOP 48", "360p GOP 250")
    for case in cases:
        films.clip(case)
    for size in films.SHOTS:
        films.shots(size)
    one_core()
    for case in cases:
        technical(case, rounds)
    for size in films.SHOTS:
        shared(size, rounds)
    feeding("720p GOP 48", rounds)


if __name__ == "__main__":
    begin(main, "measure")
