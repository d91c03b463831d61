"""File names that differ only in Unicode normalization: a row means the one that is spelled as in the row."""

from pathlib import Path

import pytest

from source_folders import listed, put, put_json

COMPOSED, DECOMPOSED = "é", "e\u0301"


@pytest.mark.parametrize("spelling", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("type_", ["clip4mc", "pairs"])
def test_a_later_file_with_the_same_letters_makes_no_earlier_row_ambiguous(
    tmp_path: Path, type_: str, spelling: str
) -> None:
    other = DECOMPOSED if spelling == COMPOSED else COMPOSED
    videos = put(tmp_path / "videos", f"{spelling}.mp4")
    rows = {
        "clip4mc": [{"vid": spelling, "transcript": "x", "begin": 0, "end": 2}],
        "pairs": [{"vid": "v", "clip_path": f"{spelling}.mp4", "transcript": "x"}],
    }
    metadata = put_json(tmp_path / "rows.json", rows[type_])
    places = {"metadata": metadata, "videos": videos} if type_ == "clip4mc" else {"uri": metadata, "clips": videos}
    before = listed(type_, **places)
    assert [row.media.uri for row in before if row.media] == [f"{videos}/{spelling}.mp4"]
    put(videos, f"{other}.mp4")
    assert listed(type_, **places) == before


def test_a_row_in_another_normalization_still_finds_the_only_file(tmp_path: Path) -> None:
    videos = put(tmp_path / "videos", f"{DECOMPOSED}.mp4")
    pairs = put_json(tmp_path / "rows.json", [{"vid": "v", "clip_path": f"{COMPOSED}.mp4", "transcript": "x"}])
    (row,) = listed("pairs", uri=pairs, clips=videos)
    assert row.media
    assert row.media.uri == f"{videos}/{DECOMPOSED}.mp4"
