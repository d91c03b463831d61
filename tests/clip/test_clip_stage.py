"""What the clip stage makes of its items."""

import json
from pathlib import Path

import av
import pytest

import cliprig
import exact
import footage
from cliprig import Committed, Rig, done
from reelmill.contract.records.rows import Media, Span
from reelmill_stages.registry import stage, stage_block
from reelmill_stages.stage import Failed, Filtered


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Rig(scratch)


def test_000_f01_and_f02_spans_become_clips_and_a_list_of_pairs(rig: Rig) -> None:
    path = cliprig.video()
    spans = [(0.2, 1.4), (1.0, 2.6)]
    items = [
        rig.item(f"c{n}", path, vid="abc", text=f"text {n}", start=start, end=end, size=[0.5] * 16, name=f"abc_{n}")
        for n, (start, end) in enumerate(spans)
    ]
    results = rig.run(items)
    whole = exact.shown(path)
    for number, (start, end) in enumerate(spans):
        (clip,) = done(results[number]).items
        assert clip.media == f"clips/abc_{number}.mp4" == clip.files[0].name
        assert clip.weight == pytest.approx(end - start)
        assert clip.fields["text"] == f"text {number}"
        assert (clip.fields["start"], clip.fields["end"]) == (start, end)
        shown = [digest for _, digest in exact.shown(clip.files[0].path)]
        assert shown == [digest for at, digest in whole if start <= float(at) < end]
    (view,) = stage("clip", {}).present(Committed(results, rig.scratch), {})
    assert view.name == "text_video_pairs.json"
    assert json.loads(view.path.read_text()) == [
        {
            "vid": "abc",
            "clip_path": f"0001/clips/abc_{n}.mp4",
            "transcript": f"text {n}",
            "begin_time": start,
            "end_time": end,
            "duration": pytest.approx(end - start),
            "size": [0.5] * 16,
        }
        for n, (start, end) in enumerate(spans)
    ]


def test_000_f04_and_f05_vids_and_sizes_travel_unchanged(rig: Rig) -> None:
    item = rig.item("k", cliprig.video(), vid="dQw4w9WgXcQ", text="t", size=[0.1, 0.2], start=0, end=1)
    fields = done(rig.run([item])[0]).items[0].fields
    assert (fields["vid"], fields["size"], fields["text"]) == ("dQw4w9WgXcQ", [0.1, 0.2], "t")


def test_000_f06_a_video_is_opened_once_for_all_of_its_clips(rig: Rig) -> None:
    items = [rig.item(f"c{n}", cliprig.video(), vid="abc", start=n / 4, end=n / 4 + 0.5) for n in range(8)]
    assert all(done(result) for result in rig.run(items))
    assert rig.asked == ["s3://raw/v.mp4"]


def test_000_f06_clips_are_named_after_their_video_and_whole_seconds(rig: Rig) -> None:
    items = [rig.item("a", cliprig.video(), vid="abc", start=0.2, end=2.9)]
    assert done(rig.run(items)[0]).items[0].media == "clips/abc_0_2.mp4"


def test_d4_two_clips_with_equal_whole_seconds_do_not_overwrite_each_other(rig: Rig) -> None:
    items = [
        rig.item("a", cliprig.video(), vid="abc", start=0.1, end=1.2),
        rig.item("b", vid="abc", start=0.4, end=1.6),
    ]
    first, second = (done(result).items[0] for result in rig.run(items))
    assert first.media != second.media
    assert len(exact.shown(first.files[0].path)) == 27
    assert len(exact.shown(second.files[0].path)) == 30


def test_d4_nothing_half_written_stays_behind(rig: Rig) -> None:
    results = rig.run([rig.item("a", cliprig.video(), vid="abc", start=0.1, end=1.2)])
    (clip,) = done(results[0]).items
    assert [path for path in rig.scratch.rglob("*") if path.is_file()] == [clip.files[0].path]


def test_d3_pairs_are_in_the_order_of_ordinals(rig: Rig) -> None:
    starts = [2.0, 0.5, 1.5, 0.0]
    items = [rig.item(f"{n}", cliprig.video(), vid="v", start=at, end=at + 0.5) for n, at in enumerate(starts)]
    (view,) = stage("clip", {}).present(Committed(rig.run(items), rig.scratch), {})
    assert [row["begin_time"] for row in json.loads(view.path.read_text())] == starts


def test_an_exported_view_has_absolute_paths(rig: Rig, tmp_path: Path) -> None:
    items = [rig.item("a", cliprig.video(), vid="abc", start=0.2, end=2.9)]
    clip = stage("clip", {})
    (view,) = clip.present(Committed(rig.run(items), rig.scratch), {})
    clip.localise(view.path, tmp_path / "export")
    assert json.loads(view.path.read_text())[0]["clip_path"] == f"{tmp_path}/export/0001/clips/abc_0_2.mp4"


def test_a_view_of_no_clips_is_an_empty_list(rig: Rig) -> None:
    (view,) = stage("clip", {}).present(Committed([], rig.scratch), {})
    assert json.loads(view.path.read_text()) == []


def test_provenance_says_which_ticks_of_which_object(rig: Rig) -> None:
    (clip,) = done(rig.run([rig.item("a", cliprig.video(), vid="v", start=0.4, end=1.2)])[0]).items
    from_ = clip.provenance
    assert from_["source"] == {"uri": "s3://raw/v.mp4", "size": 1, "etag": "e1", "source": "raw"}
    assert (from_["in"], from_["out"], from_["timeBase"]) == (5120, 15360, "1/12800")
    assert (from_["mode"], from_["codec"], from_["frames"]) == ("copy", "h264", [10, 30])
    assert from_["versions"]["av"] == av.__version__


def test_virtual_clips_encode_nothing_and_point_into_the_source(rig: Rig) -> None:
    items = [rig.item(f"c{n}", cliprig.video(), vid="abc", start=n, end=n + 0.5) for n in range(2)]
    results = rig.run(items, mode="virtual")
    first, second = (done(result).items[0] for result in results)
    assert first.media == Media("s3://raw/v.mp4", 1, etag="e1", source="raw", span=Span(0.0, 0.5))
    assert first.group == second.group == "s3://raw/v.mp4"
    assert not first.files
    assert not list(rig.scratch.iterdir())
    (view,) = stage("clip", {"mode": "virtual"}).present(Committed(results, rig.scratch), {})
    rows = json.loads(view.path.read_text())
    assert [(row["clip_path"], row["video"], row["begin_time"]) for row in rows] == [
        (None, "s3://raw/v.mp4", 0.0),
        (None, "s3://raw/v.mp4", 1.0),
    ]


def test_000_f12_encoding_again_gives_the_same_frames_and_records_the_encoder(rig: Rig) -> None:
    items = [rig.item("a", cliprig.video(), vid="abc", start=0.2, end=1.4)]
    (clip,) = done(rig.run(items, mode="reencode", preset="ultrafast", crf=8)[0]).items
    with av.open(str(clip.files[0].path)) as container:
        numbers = [footage.frame_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert numbers == list(range(5, 35))
    assert (clip.provenance["mode"], clip.provenance["encoder"]) == ("reencode", "libx264")
    assert clip.provenance["ffmpeg"].startswith("ffmpeg version")


def test_000_f12_gpu_encoding_is_off_unless_asked_for() -> None:
    assert stage("clip", {"mode": "reencode"}).params.codec == "h264"


def test_000_f20_the_same_clips_come_again_byte_for_byte(rig: Rig, tmp_path: Path) -> None:
    again = Rig(tmp_path)
    files = []
    for one in (rig, again):
        results = one.run([one.item("a", cliprig.video(), vid="abc", start=0.2, end=1.4)])
        files.append(done(results[0]).items[0].files[0].path.read_bytes())
    assert files[0] == files[1]


def test_a_codec_no_mp4_holds_is_encoded_counted_and_recorded(rig: Rig) -> None:
    path = cliprig.video(2.0, codec="libvpx", container="webm", options=("-deadline", "realtime", "-cpu-used", "8"))
    result = done(rig.run([rig.item("a", path, vid="abc", start=0.2, end=0.8)], preset="ultrafast")[0])
    assert result.counters == {"reencoded": 1}
    assert result.items[0].provenance["mode"] == "reencode"
    assert len(exact.shown(result.items[0].files[0].path)) == 15


def test_sound_is_kept_or_dropped_as_asked(rig: Rig) -> None:
    for audio, streams in (("keep", 1), ("drop", 0)):
        (clip,) = done(rig.run([rig.item("a", cliprig.video(), vid="v", start=0, end=1)], audio=audio)[0]).items
        with av.open(str(clip.files[0].path)) as container:
            assert len(container.streams.audio) == streams


def test_clips_outside_the_limits_of_length_are_filtered(rig: Rig) -> None:
    spans = [(0, 0.5), (0, 1), (0, 2), (0, 2.5)]
    items = [rig.item(f"{n}", cliprig.video(), vid="v", start=a, end=b) for n, (a, b) in enumerate(spans)]
    short, *kept, long = rig.run(items, minLength="1s", maxLength="2s")
    assert short == Filtered("too_short", "0.500 s, under 1 s")
    assert long == Filtered("too_long", "2.500 s, over 2 s")
    assert all(done(result) for result in kept)


def test_equal_lengths_divide_a_video_without_gaps(rig: Rig) -> None:
    (result,) = rig.run([rig.item("v.mp4", cliprig.video(), vid="v", name="v")], by="length", length="700ms")
    clips = done(result).items
    assert [clip.media for clip in clips] == [f"clips/v_{n}.mp4" for n in ("0_0", "0_1", "1_2", "2_2", "2_3")]
    assert len({clip.key for clip in clips}) == 5
    shown = [digest for clip in clips for _, digest in exact.shown(clip.files[0].path)]
    assert shown == [digest for _, digest in exact.shown(cliprig.video())]


def test_a_last_piece_that_is_too_short_is_left_out_and_counted(rig: Rig) -> None:
    (result,) = rig.run([rig.item("v", cliprig.video(), vid="v")], by="length", length="700ms", minLength="500ms")
    assert len(done(result).items) == 4
    assert done(result).counters == {"too_short": 1}


def test_a_video_with_no_piece_long_enough_is_filtered(rig: Rig) -> None:
    (result,) = rig.run([rig.item("v", cliprig.video(), vid="v")], by="length", length="1s", minLength="2s")
    assert isinstance(result, Filtered)
    assert result.reason == "too_short"


def test_several_videos_in_one_group_do_not_disturb_each_other(rig: Rig) -> None:
    items = [
        rig.item("a", cliprig.video(), uri="s3://raw/a.mp4", vid="a", start=0, end=1),
        rig.item("gone", uri="s3://raw/gone.mp4", vid="gone", start=0, end=1),
        rig.item("b", cliprig.video(2.0), uri="s3://raw/b.mp4", vid="b", start=0, end=1),
    ]
    first, gone, last = rig.run(items)
    assert done(first).items[0].fields["vid"] == "a"
    assert done(last).items[0].fields["vid"] == "b"
    assert gone == Failed("missing", "s3://raw/gone.mp4 is gone")


def test_lengths_that_cannot_be_are_refused() -> None:
    def refusals(**params: str) -> list[str]:
        return stage_block("clip", params).refusals()

    assert not refusals(by="length", length="10s", maxLength="10s")
    assert "less than length 10s" in refusals(by="length", length="10s", maxLength="5s")[0]
    assert "less than minLength" in refusals(minLength="10s", maxLength="5s")[0]
    assert "greater than 0s" in refusals(by="length", length="0s")[0]
