"""`by: keyframes`: clips begin where decoding can begin, and together they are the video."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

import cliprig
import exact
from cliprig import Rig, done
from reelmill.contract.records.rows import Span
from reelmill.contract.spec.pipeline import StageSpec
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Filtered, NewItem

pytestmark = pytest.mark.store  # needs no server, but seconds of CPU

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-sc_threshold", "0")
ENCODERS = {
    "h264": ("libx264", (*X264, "-g", "20", "-bf", "2"), "mp4"),
    "h264_open": ("libx264", (*X264, "-g", "20", "-bf", "3", "-x264-params", "open-gop=1"), "mp4"),
    "h264_ts": ("libx264", (*X264, "-g", "20", "-bf", "2"), "ts"),
    "hevc_open": ("libx265", ("-pix_fmt", "yuv420p", "-x265-params", "log-level=none:keyint=20:scenecut=0"), "mp4"),
    "mpeg2": ("mpeg2video", ("-g", "12", "-bf", "2", "-sc_threshold", "1000000000"), "ts"),
    "vp9": ("libvpx-vp9", ("-g", "20", "-cpu-used", "8", "-deadline", "realtime"), "mp4"),
}


def film(name: str) -> Path:
    codec, options, container = ENCODERS[name]
    return cliprig.video(3.0, codec=codec, options=options, container=container, audio=False)


def cut(folder: Path, path: Path, **params: str) -> tuple[list[NewItem], dict[str, int]]:
    rig = Rig(folder)
    (result,) = rig.run([rig.item("film", path, vid="film")], by="keyframes", **params)
    return list(done(result).items), dict(done(result).counters)


def key_frames_of_decoder(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [index for index, frame in enumerate(container.decode(video=0)) if frame.key_frame]


def starts(clips: list[NewItem]) -> list[int]:
    return [clip.provenance["frames"][0] for clip in clips]


def pictures(path: Path) -> list[str]:
    return [digest for _, digest in exact.shown(path)]


@pytest.mark.parametrize("name", ENCODERS)
def test_006_f18_clips_begin_at_the_key_frames_of_the_decoder_and_lose_no_picture(name: str, tmp_path: Path) -> None:
    path = film(name)
    clips, counters = cut(tmp_path, path)
    assert starts(clips) == key_frames_of_decoder(path)
    assert len(clips) > 3
    assert [digest for clip in clips for digest in pictures(clip.files[0].path)] == pictures(path)
    assert {clip.provenance["mode"] for clip in clips} == {"copy"}
    assert "reencoded" not in counters


@pytest.mark.parametrize("name", ["h264", "hevc_open", "mpeg2", "vp9"])
def test_copies_hide_nothing_before_their_first_frame(name: str, tmp_path: Path) -> None:
    clips, _ = cut(tmp_path, film(name))
    for clip in clips:
        assert read_timeline(clip.files[0].path).numbers[0] == 0


def test_006_f18_frames_that_only_the_container_marks_are_no_key_frames(tmp_path: Path) -> None:
    """The sync samples of an mp4 name every frame; without that box, all of them are marked too."""
    honest = film("h264")
    content = honest.read_bytes()
    assert content.count(b"stss") == 1
    lying = tmp_path / "lying.mp4"
    lying.write_bytes(content.replace(b"stss", b"free"))
    assert sum(read_timeline(lying).packets.keys) < 10
    clips, counters = cut(tmp_path, lying)
    assert starts(clips) == key_frames_of_decoder(honest)
    assert counters == {"repaired": 1}
    assert [digest for clip in clips for digest in pictures(clip.files[0].path)] == pictures(honest)


def test_frames_that_the_container_does_not_mark_are_key_frames(tmp_path: Path) -> None:
    honest = film("h264")
    content = bytearray(honest.read_bytes())
    place = content.index(b"stss") + 8
    content[place : place + 4] = (1).to_bytes(4, "big")  # only the first sync sample is listed
    silent = tmp_path / "silent.mp4"
    silent.write_bytes(content)
    clips, _ = cut(tmp_path, silent)
    assert starts(clips) == key_frames_of_decoder(honest)


def test_short_parts_are_omitted_or_merged_and_long_ones_divided(tmp_path: Path) -> None:
    path = cliprig.video(3.0, options=(*X264, "-force_key_frames", "0.4,0.6,2.0,2.8"), audio=False)
    times = [0.0, 0.4, 0.6, 2.0, 2.8, 3.0]
    clips, _ = cut(tmp_path, path)
    assert [(clip.fields["start"], clip.fields["end"]) for clip in clips] == list(pairwise(times))
    clips, counters = cut(tmp_path, path, minLength="300ms")
    assert [clip.fields["start"] for clip in clips] == [0.0, 0.6, 2.0]
    assert counters == {"too_short": 2}
    clips, counters = cut(tmp_path, path, minLength="500ms", shortScenes="merge")
    assert [(clip.fields["start"], clip.fields["end"]) for clip in clips] == [(0.0, 0.6), (0.6, 2.0), (2.0, 2.8)]
    assert counters == {"too_short": 1}
    clips, _ = cut(tmp_path, path, maxLength="1s")
    assert [round(clip.fields["start"], 6) for clip in clips] == [0.0, 0.4, 0.6, 1.3, 2.0, 2.8]


def test_a_virtual_clip_is_divided_within_its_ends(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    item = rig.item("film", film("h264"), vid="film")
    assert item.media is not None
    item = replace(item, media=replace(item.media, span=Span(0.5, 2.0)))
    (result,) = rig.run([item], by="keyframes")
    spans = [(clip.fields["start"], clip.fields["end"]) for clip in done(result).items]
    assert spans == [(0.5, 0.8), (0.8, 1.6), (1.6, 2.0)]


def test_a_video_of_one_short_part_is_filtered(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    path = cliprig.video(1.0, audio=False)
    (result,) = rig.run([rig.item("film", path, vid="film")], by="keyframes", minLength="2s")
    assert isinstance(result, Filtered)
    assert result.reason == "too_short"


def test_every_picture_of_an_intra_codec_is_a_key_frame(tmp_path: Path) -> None:
    path = cliprig.video(0.4, codec="mjpeg", options=("-pix_fmt", "yuvj420p"), container="mkv", audio=False)
    clips, _ = cut(tmp_path, path, mode="virtual")
    assert starts(clips) == list(range(10))


def test_a_margin_is_refused() -> None:
    spec = StageSpec.model_validate({"name": "clips", "clip": {"by": "keyframes", "margin": "1s"}})
    assert any("margin" in problem for problem in spec.block.refusals())
