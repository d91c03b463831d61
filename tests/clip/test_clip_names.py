"""Names of clips are safe, unique and still tell where the clip is from."""

from pathlib import Path

import cliprig
from cliprig import Rig, done
from reelmill.contract.records.rows import Item, Span
from reelmill_stages.stages.clip.names import clip_name, piece_key, piece_names


def item(key: str = "k", **fields: object) -> Item:
    return Item(key, 0, "g", 1.0, fields=fields)


def test_the_listings_name_is_used() -> None:
    assert clip_name(item(name="abc_1_2-0f", vid="abc"), Span(1.5, 2.5)) == "abc_1_2-0f"


def test_without_one_the_name_is_made_of_vid_and_whole_seconds() -> None:
    assert clip_name(item(vid="abc"), Span(1.9, 12.1)) == "abc_1_12"
    assert clip_name(item("key"), Span(1.9, 12.1)) == "key_1_12"


def test_pieces_in_the_same_whole_seconds_are_told_apart() -> None:
    spans = [Span(1.0, 1.3), Span(1.3, 1.6), Span(1.6, 2.0), Span(1.6, 1.9)]
    assert piece_names(item(name="v"), spans) == ["v_1_1", "v_1_1-2", "v_1_2", "v_1_1-3"]


def test_pieces_of_two_videos_never_share_a_name() -> None:
    first = piece_names(item(name="a"), [Span(1.0, 2.3), Span(1.2, 2.6)])
    second = piece_names(item(name="a_1_2"), [Span(2.0, 3.0)]) + piece_names(item(name="a_1"), [Span(2.0, 2.5)])
    assert not set(first) & set(second)


def test_keys_of_pieces_say_item_and_times() -> None:
    assert piece_key(item("raw/v.mp4"), Span(1.0, 2.5)) == "raw/v.mp4@1.000-2.500"


def test_any_id_gives_a_file_that_can_be_written(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    vids = ["a b", "a/b", "../../etc", "日本語のビデオ", "x" * 300, "-y", ".hidden", "é", "a\nb", "CON", "%d"]
    items = [rig.item(f"{n}", cliprig.video(1.0), vid=vid, start=0.0, end=0.1) for n, vid in enumerate(vids)]
    clips = [done(result).items[0] for result in rig.run(items)]
    assert len({clip.media for clip in clips}) == len(vids)
    for clip in clips:
        path = clip.files[0].path
        assert path.is_file()
        assert path.parent == tmp_path / "clips"
        assert len(path.name.encode()) <= 200
    assert "日本語のビデオ" in str(clips[3].media)
