"""`clip: {by: scenes, measure: …}`: one decode gives what a stage `measure` after it gives, to the last digit."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import footage
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.pipeline import StageSpec
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.measure import FrameChoice, MeasureBlock
from reelmill_stages.measuring.scenes import BEHIND, SceneFrames
from reelmill_stages.measuring.selection import chosen
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.scenes import SceneRule, scenes
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Input, NewItem
from reelmill_stages.stages.clip.stage import ClipStage
from reelmill_stages.stages.measure.stage import MeasureStage
from worker_desk import Desk

pytestmark = pytest.mark.store  # needs no server, but seconds of CPU

QUIET = {"sound": False}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four shots of what moves, with sound, one of them of half a second: a flash to a detector that merges."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    shots = ("testsrc2", "mandelbrot", "smptebars", "testsrc2")
    seconds = (1.6, 2.0, 0.4, 1.4)
    inputs = [
        word
        for shot, length in zip(shots, seconds, strict=True)
        for word in ("-f", "lavfi", "-t", str(length), "-i", f"{shot}=size=160x96:rate=25")
    ]
    graph = f"[3]negate[n];[0][1][2][n]concat=n={len(shots)},format=yuv420p[v]"
    footage.ffmpeg(
        *inputs, "-f", "lavfi", "-t", "5.4", "-i", "sine=frequency=330", "-filter_complex", graph, "-map", "[v]",
        "-map", "4:a", "-g", "40", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(path),
    )  # fmt: skip
    return path


def clips(film: Path, scratch: Path, **block: Any) -> list[NewItem]:
    item = Item("film", 0, "film", 5.4, Media(str(film), film.stat().st_size), fields={"vid": "film"})
    stage = ClipStage(ClipBlock.model_validate({"by": "scenes", **block}))
    (result,) = stage.process([Input(item, 0)], Desk(scratch))
    assert isinstance(result, Done), result
    return list(result.items)


def measured_after(made: list[NewItem], scratch: Path, **params: Any) -> list[NewItem]:
    """What the stage `measure` makes of clips."""
    items = []
    for number, one in enumerate(made):
        path = one.files[0].path if one.files else None
        media = Media(str(path), path.stat().st_size) if path else one.media
        assert isinstance(media, Media)
        item = Item(one.key, number, one.group, one.weight, media, fields=one.fields, provenance=one.provenance)
        items.append(Input(item, number))
    results = MeasureStage(MeasureBlock.model_validate(params)).process(items, Desk(scratch))
    return [result.items[0] for result in results if isinstance(result, Done)]


CASES = [
    *itertools.product(("virtual", "copy"), ("content", "adaptive", "histogram"), ({"fps": 2},)),
    *itertools.product(("virtual", "copy"), ("content",), ({"all": True}, {"fps": 7}, {"fps": 60})),
]


@pytest.mark.parametrize(("mode", "detector", "frames"), CASES)
def test_005_f14_values_are_those_of_a_stage_measure_after_the_clips(
    mode: str, detector: str, frames: dict[str, Any], film: Path, tmp_path: Path
) -> None:
    params = {"frames": frames, "reduce": {"luma": ["mean", "p90"]}}
    block = {"mode": mode, "detector": detector}
    fused = clips(film, tmp_path / "fused", **block, measure=params)
    apart = clips(film, tmp_path / "apart", **block)
    expected = measured_after(apart, tmp_path / "measured", **params)
    assert len(fused) == len(expected) > 2
    for one, other in zip(fused, expected, strict=True):
        assert one.fields == other.fields
        assert one.provenance["measured"] == other.provenance["measured"]
        assert {"luma", "motion", "loudness", "width", "bit_rate"} <= set(one.fields["measures"])


@pytest.mark.parametrize(
    "block", [{"maxLength": "0.7s"}, {"margin": "0.2s"}, {"minLength": "0.6s", "shortScenes": "merge"}]
)
def test_clips_that_are_other_than_scenes_have_the_same_values(
    block: dict[str, Any], film: Path, tmp_path: Path
) -> None:
    fused = clips(film, tmp_path / "fused", mode="virtual", **block, measure=QUIET)
    expected = measured_after(clips(film, tmp_path, mode="virtual", **block), tmp_path / "measured", **QUIET)
    assert [one.fields for one in fused] == [one.fields for one in expected]


@pytest.mark.parametrize("detector", ["content", "adaptive", "histogram"])
@pytest.mark.parametrize("frames", [{"fps": 2}, {"all": True}])
def test_005_f14_no_frame_of_a_scene_is_decoded_again(detector: Any, frames: dict[str, Any], film: Path) -> None:
    timeline = read_timeline(film)
    watched = SceneFrames(MeasureBlock(frames=FrameChoice.model_validate(frames)), timeline)
    rule = SceneRule(detector, {"content": 27.0, "adaptive": 3.0, "histogram": 0.2}[detector])
    found = scenes(film, timeline, range(len(timeline)), rule, watched)
    assert len(found) > 2
    for scene in found:
        end = timeline.seconds(scene.stop) if scene.stop < len(timeline) else timeline.duration
        assert watched.of(timeline.stretch(timeline.seconds(scene.start), end)) is not None


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(1, 134), st.integers(0, 40)), max_size=6), fps=st.sampled_from([2, 7, 30]))
def test_frames_are_those_of_the_clip_or_none_however_late_cuts_are_told(
    cuts: list[tuple[int, int]], fps: int, film: Path
) -> None:
    timeline = read_timeline(film)
    places = sorted({place for place, _ in cuts if place < len(timeline)})
    told = {place: min(place + late, len(timeline) - 1) for place, late in cuts}
    choice = FrameChoice(fps=fps)
    watched = SceneFrames(MeasureBlock(frames=choice, motion=False), timeline)
    for picture in decode(film, timeline, range(len(timeline))):
        watched.see(picture)
        for place in places:
            if told[place] == picture.index:
                watched.cut(place)
    edges = [0, *places, len(timeline)]
    for start, stop in itertools.pairwise(edges):
        end = timeline.seconds(stop) if stop < len(timeline) else timeline.duration
        shown = timeline.stretch(timeline.seconds(start), end)
        found = watched.of(shown)
        late = any(told[place] - place >= BEHIND for place in (start, stop) if place in told)
        assert found is not None or late or len({told[place] for place in places}) < len(places) or _out_of_order(told)
        if found is not None:
            assert found.frames.counts == chosen(choice, timeline, shown)


def _out_of_order(told: dict[int, int]) -> bool:
    """Whether a cut was told before an earlier one, which no detector does."""
    order = [told[place] for place in sorted(told)]
    return order != sorted(order)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"by": "length"}, "measure is not supported with by: length"),
        ({"by": "scenes", "detector": "transnetv2"}, "measure is not supported with detector: transnetv2"),
        ({"by": "scenes", "mode": "reencode"}, "measure is not supported with mode: reencode"),
        ({"by": "scenes", "measure": {"frames": {"count": 4}}}, "measure: frames has count"),
        ({"by": "scenes", "measure": {"frames": {"fps": 1, "all": True}}}, "measure: frames has 2 of all"),
        ({"by": "scenes", "measure": {"motion": False, "reduce": {"motion": ["max"]}}}, "measures that are not made"),
    ],
)
def test_a_combination_that_cannot_be_measured_is_refused(block: dict[str, Any], problem: str) -> None:
    (refusal,) = ClipBlock.model_validate({"measure": {}, **block}).refusals()
    assert problem in refusal


def test_keys_of_clips_without_measures_are_what_they_were() -> None:
    assert ClipBlock(by="scenes").canonical() == {"by": "scenes"}
    measured = ClipBlock.model_validate({"by": "scenes", "measure": {"sound": False}}).canonical()["measure"]
    assert measured == {"sound": False, "dataVersion": MeasureBlock().output_version}


def test_a_filter_after_the_clips_knows_their_measures() -> None:
    spec = StageSpec.model_validate({"name": "clips", "clip": {"by": "scenes", "measure": {"motion": False}}})
    added = spec.block.added_fields
    assert added is not None
    assert {"measures.luma", "measures.loudness", "start"} <= added
    assert "measures.motion" not in added
