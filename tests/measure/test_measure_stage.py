"""The stage: items pass with their media untouched, one decode per file, and one row for every bad input."""

from pathlib import Path

import av
import numpy as np
import pytest

import footage
from cliprig import X264, Rig, done
from measure.clips import ALL, Desk, item_of, made, measured, measures, raw
from ranged_media import RangedFolder, ranged
from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item, Media, Span
from reelmill_stages.measuring.reduce import rounded
from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media_file import MediaFile, WholeFileNeeded
from reelmill_stages.stage import Failed

TECHNICAL = {each.value for each in Measure if each.family in {"container", "picture", "motion", "sound"}}


def numbered(**options: object) -> Path:
    return footage.video(**{"seconds": 3.0, "size": (192, 112), "options": X264, **options})


def virtual(key: str, start: float, end: float, uri: str = "s3://raw/v.mp4") -> Item:
    return Item(
        key, 0, "g", end - start, Media(uri, 1, etag="e1", source="raw", span=Span(start, end)), fields={"vid": "v"}
    )


def test_005_f01_an_item_passes_with_the_same_media_and_gains_measures(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    item = rig.item("a", numbered(), text="a film", measures={"sharpness": 3, "luma": 1})
    (result,) = measured([item], rig, **ALL)
    (new,) = done(result).items
    assert (new.key, new.group, new.weight, new.media, new.files) == (item.key, item.group, item.weight, item.media, ())
    assert new.fields["text"] == "a film"
    assert new.fields["measures"]["sharpness"] == 3
    assert new.fields["measures"]["luma"] != 1
    assert set(new.fields["measures"]) == TECHNICAL | {"motion_p90", "sharpness"}
    assert not list(rig.scratch.iterdir())


def test_the_container_tells_what_ffprobe_would(tmp_path: Path) -> None:
    film = numbered()
    found = measures(film, tmp_path)
    with av.open(film) as container:
        stream = container.streams.video[0]
        assert (found["width"], found["height"]) == (stream.width, stream.height)
        assert (found["codec"], found["pixel_format"]) == ("h264", "yuv420p")
        assert (found["frames"], found["duration"], found["fps"]) == (75, 3.0, 25.0)
        size = sum(packet.size for packet in container.demux(stream))
    assert found["bit_rate"] == pytest.approx(8 * size / 3, rel=1e-5)
    assert found["aspect_ratio"] == pytest.approx(192 / 112, rel=1e-5)


def test_a_span_is_measured_as_a_file_of_its_frames_would_be(tmp_path: Path) -> None:
    film = numbered(audio=False)
    rig = Desk(tmp_path, {"s3://raw/v.mp4": film})
    (result,) = measured([virtual("a", 1.0, 2.0)], rig, **ALL)
    span = done(result).items[0].fields["measures"]
    with av.open(film) as container:
        frames = [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)][25:50]
    alone = measures(raw("alone.mp4", tmp_path, np.array(frames)), tmp_path, **ALL)
    assert span["frames"] == 25
    for name in (
        "luma",
        "contrast",
        "underexposed",
        "blur",
        "blockiness",
        "spatial_information",
        "temporal_information",
    ):
        assert span[name] == pytest.approx(alone[name], rel=1e-5), name
    # The small pictures have colours in one and none in the other; the flow sees luma alone.
    assert span["motion"] == pytest.approx(alone["motion"], rel=0.02)


def test_005_f02_clips_of_one_file_fetch_it_once_and_are_as_alone(tmp_path: Path) -> None:
    rig = Desk(tmp_path, {"s3://raw/v.mp4": numbered()})
    items = [virtual("a", 0.0, 1.5), virtual("b", 1.0, 2.0), virtual("c", 1.0, 2.0)]
    together = [done(result).items[0] for result in measured(items, rig, **ALL)]
    assert len(rig.asked) == 1
    for item, found in zip(items, together, strict=True):
        (alone,) = measured([item], rig, **ALL)
        assert done(alone).items == (found,)


FILLED = (
    *("-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10"),
    *("-b:v", "3M", "-maxrate", "3M", "-bufsize", "1M", "-x264-params", "nal-hrd=cbr"),
)
"""Encoder options of a video of 3 Mbit/s, whatever it shows."""


class RemoteDesk(Desk):
    """Lends files that are read by ranges."""

    def __init__(self, scratch: Path, files: dict[str, Path], *, most: float = 9.0) -> None:
        super().__init__(scratch, files)
        self.lent = 0
        self.most = most
        self.store = RangedFolder(scratch)

    def open(self, media: Media) -> MediaFile:
        self.lent += 1
        found = remote_container(ranged(self.store, self.files[media.uri].name, most=self.most))
        assert found
        return found


def test_spans_are_read_by_ranges_and_whole_videos_with_sound_are_not(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(numbered(extra=("-movflags", "+faststart")).read_bytes())
    rig = RemoteDesk(tmp_path, {"s3://raw/v.mp4": tmp_path / "v.mp4"})
    item = virtual("a", 1.0, 2.0)
    (remote,), lent = measured([item], rig), rig.lent
    (local,) = measured([item], Desk(tmp_path, rig.files))
    assert done(remote).items == done(local).items
    assert lent == 1
    measured([rig.item("b")], rig)
    assert rig.lent == 1
    measured([rig.item("b")], rig, sound=False)
    assert rig.lent == 2


def test_clips_whose_sound_is_most_of_a_video_are_read_in_one_stream(tmp_path: Path) -> None:
    """One picture of each is little."""
    film = tmp_path / "v.mp4"
    film.write_bytes(numbered(seconds=20.0, options=FILLED, extra=("-movflags", "+faststart")).read_bytes())
    rig = RemoteDesk(tmp_path, {"s3://raw/v.mp4": film}, most=0.5)
    few, many = ([virtual(str(begin), begin, begin + 2) for begin in begins] for begins in ((4, 12), range(0, 20, 3)))
    found = measured(few, rig, frames={"count": 1})
    assert [done(one).items for one in found] == [
        done(one).items for one in measured(few, Desk(tmp_path, rig.files), frames={"count": 1})
    ]
    measured(many, rig, frames={"count": 1}, sound=False)
    with pytest.raises(WholeFileNeeded, match="most of the object"):
        measured(many, rig, frames={"count": 1})


def test_the_sound_of_a_span_is_transferred_in_few_requests(tmp_path: Path) -> None:
    film = tmp_path / "v.mp4"
    film.write_bytes(numbered(seconds=20.0, size=(416, 240), extra=("-movflags", "+faststart")).read_bytes())
    rig = RemoteDesk(tmp_path, {"s3://raw/v.mp4": film})
    measured([virtual("a", 4.0, 14.0)], rig, frames={"count": 1})
    chunks = 10 * 25  # muxed between the pictures
    assert len(rig.store.requests) < chunks / 4


def test_a_row_with_start_and_end_is_measured_between_them(tmp_path: Path) -> None:
    assert measures(numbered(), tmp_path, {"start": 1.0, "end": 1.6})["duration"] == pytest.approx(0.6)


def test_005_f07_chosen_frames_are_the_ones_on_screen(tmp_path: Path) -> None:
    levels = np.repeat(np.arange(20, 220, 10, dtype=np.uint8), 5)
    film = raw("steps.mp4", tmp_path, np.ones((1, 32, 32), np.uint8) * levels[:, None, None])
    for choice, wanted in (
        ({"all": True}, levels),
        ({"fps": 5}, levels[::5]),
        ({"fps": 2}, levels[[0, 12, 25, 37, 50, 62, 75, 87]]),
        ({"count": 4}, levels[[12, 37, 62, 87]]),
    ):
        found = measures(film, tmp_path, frames=choice, motion=False, sound=False)
        assert found["luma"] == pytest.approx(wanted.mean(), rel=1e-5), choice


def test_005_f08_a_measure_is_reduced_as_asked_and_named_after_it(tmp_path: Path) -> None:
    levels = np.arange(20, 220, 20, dtype=np.uint8)
    film = raw("ten.mp4", tmp_path, np.ones((1, 32, 32), np.uint8) * levels[:, None, None])
    words = ["mean", "min", "p10", "p50", "p90", "max", "above 100"]
    found = measures(film, tmp_path, **ALL, reduce={"luma": words, "contrast": ["max"]}, motion=False, sound=False)
    named = ("luma", "luma_min", "luma_p10", "luma_p50", "luma_p90", "luma_max", "luma_above")
    assert [found[name] for name in named] == [110, 20, 20, 100, 180, 200, 0.5]
    assert "contrast_max" in found
    assert "contrast" not in found


def test_families_can_be_left_out(tmp_path: Path) -> None:
    found = measures(numbered(), tmp_path, picture=False, motion=False, sound=False)
    assert set(found) == {each.value for each in Measure if each.family == "container"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("empty.mp4", b"", "empty"), ("text.mp4", b"no video at all" * 99, "corrupt")],
)
def test_a_file_that_is_no_video_is_one_row(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    rig = Rig(tmp_path)
    good = rig.item("good", numbered(), uri="s3://raw/good.mp4")
    bad = rig.item("bad", tmp_path / name, uri="s3://raw/bad.mp4")
    first, second = measured([bad, good], rig)
    assert isinstance(first, Failed)
    assert first.reason == reason
    assert done(second).items


def test_005_f13_damage_costs_only_the_clips_that_need_what_is_damaged(tmp_path: Path) -> None:
    whole = numbered(audio=False)
    content = bytearray(whole.read_bytes())
    with av.open(whole) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    place = packets[45].pos
    assert place is not None
    content[place + 4 : place + packets[45].size] = bytes([255] * (packets[45].size - 4))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content)
    rig = Desk(tmp_path, {"s3://raw/v.mp4": broken})
    first, second = measured([virtual("a", 0.0, 1.0), virtual("b", 1.6, 2.3)], rig, **ALL)
    assert done(first).items[0].fields["measures"]["frames"] == 25
    assert isinstance(second, Failed)


def test_spans_without_frames_items_without_files_and_other_measures_are_one_row_each(tmp_path: Path) -> None:
    rig = Desk(tmp_path, {"s3://raw/v.mp4": numbered()})
    nothing = Item("n", 0, "g", 1.0, None)
    other = rig.item("o", numbered(), measures=5)
    results = measured([virtual("late", 8.0, 9.0), nothing, other, virtual("good", 0.0, 1.0)], rig)
    assert [result.reason for result in results[:3] if isinstance(result, Failed)] == [
        "zero_duration", "no_media", "bad_value",
    ]  # fmt: skip
    assert done(results[3]).items


def test_a_video_of_one_frame_has_what_one_frame_tells(tmp_path: Path) -> None:
    found = measures(raw("one.mp4", tmp_path, np.full((1, 64, 64), 90, np.uint8)), tmp_path)
    assert found["luma"] == 90
    assert found["cuts"] == 0
    assert not {"motion", "temporal_information", "static", "camera"} & set(found)


def test_a_second_stage_replaces_its_own_measures_only(tmp_path: Path) -> None:
    first = item_of(numbered(), tmp_path)
    earlier = {**first.fields["measures"], "nsfw": 0.5}
    found = measures(numbered(audio=False), tmp_path, {"measures": earlier})
    assert found["nsfw"] == 0.5
    assert "loudness" not in found


def test_measures_that_are_null_are_none(tmp_path: Path) -> None:
    assert measures(numbered(), tmp_path, {"measures": None}) == measures(numbered(), tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_005_f09_what_is_no_number_never_becomes_a_field(value: float) -> None:
    assert rounded(value) is None


def test_a_wide_picture_is_measured(tmp_path: Path) -> None:
    wide = made("wide.mkv", tmp_path, "-f", "lavfi", "-i", "testsrc2=s=10000x64:d=0.3:r=10", "-c:v", "ffv1")
    assert measures(wide, tmp_path, **ALL)["width"] == 10_000
