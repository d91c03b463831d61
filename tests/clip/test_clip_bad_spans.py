"""A bad span is one failed row with a reason and a sentence; its neighbours are cut."""

import math
from itertools import pairwise
from pathlib import Path

import pytest

import cliprig
from cliprig import Rig, done
from reelmill.contract.records.rows import Span
from reelmill_stages.stage import Failed
from reelmill_stages.stages.clip.spans import divided, equal_spans

BAD = {
    "null": (None, 1.0, "bad_span", "start is null"),
    "missing": (..., 1.0, "bad_span", "start is missing"),
    "reversed": (2.0, 1.0, "bad_span", "2 s to 1 s is reversed"),
    "no_length": (1.0, 1.0, "bad_span", "has no length"),
    "text": ("soon", 1.0, "bad_span", "'soon', not a number"),
    "a_list": ([1], 2.0, "bad_span", "not a number"),
    "truth": (True, 2.0, "bad_span", "not a number"),
    "not_a_number": (0.0, math.nan, "bad_span", "must be finite"),
    "endless": (0.0, math.inf, "bad_span", "must be finite"),
    "negative": (-1.0, 1.0, "bad_span", "must not be negative"),
    "beyond": (5.0, 6.0, "span_outside", "exceeds the video, which has 3.000 s"),
    "far_beyond": (1.0, 60.0, "span_outside", "exceeds the video"),
    "between_two_frames": (1.001, 1.002, "bad_span", "no frame is shown"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("mode", ["copy", "virtual"])
def test_a_bad_span_is_one_row_and_its_neighbour_is_cut(kind: str, mode: str, tmp_path: Path) -> None:
    start, end, reason, message = BAD[kind]
    rig = Rig(tmp_path)
    times = {"end": end} if start is ... else {"start": start, "end": end}
    bad, good = rig.run(
        [rig.item("bad", cliprig.video(), vid="v", **times), rig.item("good", vid="v", start=0.0, end=0.2)], mode=mode
    )
    assert isinstance(bad, Failed)
    assert bad.reason == reason
    assert message in bad.message
    assert done(good)


def test_a_span_slightly_past_the_end_is_cut_off_and_recorded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    (result,) = rig.run([rig.item("a", cliprig.video(), vid="v", start=2.0, end=3.4)])
    (clip,) = done(result).items
    assert done(result).counters == {"overhang": 1}
    assert (clip.fields["end"], clip.fields["duration"]) == (3.0, 1.0)
    assert clip.provenance["overhang"] == pytest.approx(0.4)


def test_numbers_written_as_text_are_numbers(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    (result,) = rig.run([rig.item("a", cliprig.video(), vid="v", start="0.4", end="1.2")])
    assert done(result).items[0].fields["start"] == 0.4


@pytest.mark.parametrize("kind", ["missing", "empty", "corrupt", "no_video", "truncated"])
@pytest.mark.parametrize("by", ["metadata", "length"])
def test_a_bad_video_fails_each_of_its_items_once(kind: str, by: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "scratch")
    path = tmp_path / "bad.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "corrupt":
        path.write_bytes(b"no video " * 1000)
    elif kind == "truncated":
        path.write_bytes(cliprig.video().read_bytes()[:9000])
    elif kind == "no_video":
        cliprig.footage.ffmpeg("-i", str(cliprig.video()), "-vn", "-c", "copy", str(path))
    items = [rig.item(f"{n}", path, vid="v", start=0.0, end=1.0) for n in range(3)]
    results = rig.run(items, by=by)
    assert [type(result) for result in results] == [Failed] * 3
    assert {result.reason for result in results} == {kind}


def test_an_item_without_media_fails(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    item = rig.item("a", vid="v", start=0.0, end=1.0)
    (result,) = rig.run([type(item)(item.key, 0, item.group, 1.0, None, fields=item.fields)])
    assert result == Failed("missing", "the item has no media")


def test_equal_spans_cover_the_whole() -> None:
    for length in (0.1, 0.7, 1.0, 3.0, 10.0):
        spans = equal_spans(Span(0.0, 3.0), length)
        assert spans[0].start == 0.0
        assert spans[-1].end == 3.0
        assert all(before.end == after.start for before, after in pairwise(spans))
        assert all(span.end - span.start > 1e-6 for span in spans)


def test_what_is_too_long_is_divided_equally() -> None:
    assert divided(Span(1.0, 2.0), None) == [Span(1.0, 2.0)]
    assert divided(Span(1.0, 4.0), 1.5) == [Span(1.0, 2.5), Span(2.5, 4.0)]
    assert len(divided(Span(0.0, 10.0), 3.0)) == 4
