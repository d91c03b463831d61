"""A folder of `write: {format: parquet}` opens in Hugging Face datasets: whole, streamed, shuffled, resumed, grown."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import footage
from trainers.environments import seen_by
from trainers.folders import COUNT, digest, films, unchanged_by
from trainers.snippets import said_by
from write.desk import Written, block, item, written

COLUMNS = [{"field": "text", "type": "string"}, {"field": "luma", "type": "number"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven videos in files of two."""
    made = written(block(columns=COLUMNS, samplesPerFile=2), films(), tmp_path_factory.mktemp("parquet") / "set")
    return made.folder


def expected() -> list[dict[str, Any]]:
    return [
        {
            "key": one.key,
            "video": digest(Path(one.media.uri).read_bytes()),
            "text": one.fields["text"],
            "luma": one.fields["luma"],
        }
        for one in films()
        if one.media
    ]


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["key"])


@pytest.mark.parametrize("mode", ["download", "streaming"])
def test_015_f01_every_sample_comes_with_the_bytes_of_its_source(folder: Path, mode: str) -> None:
    with unchanged_by(folder):
        seen = seen_by("huggingface", folder, mode, reader="parquet")
    assert seen["kinds"] == {"key": "Value", "video": "Video", "text": "Value", "luma": "Value"}
    assert seen["rows"] == [expected()]


def test_015_f01_two_workers_that_shuffle_read_every_sample_once(folder: Path) -> None:
    first, second = seen_by("huggingface", folder, "shuffled", reader="parquet")["rows"]
    assert first
    assert second
    assert by_key(first + second) == expected()


def test_015_f01_a_reader_that_was_killed_goes_on_behind_its_last_sample(folder: Path) -> None:
    before, after = seen_by("huggingface", folder, "resumed", reader="parquet")["rows"]
    assert len(before) == 3
    assert before + after == expected()


def test_015_f05_a_grown_folder_gives_the_new_samples_too(tmp_path: Path) -> None:
    made = Written(block(columns=COLUMNS, samplesPerFile=2), tmp_path / "set")
    made.add(films()[:3])
    assert seen_by("huggingface", made.folder, "streaming", reader="parquet")["rows"] == [expected()[:3]]
    made.add(films()[3:])
    assert seen_by("huggingface", made.folder, "streaming", reader="parquet")["rows"] == [expected()]
    assert len(expected()) == COUNT


def test_images_are_images(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4), "red").save(picture := tmp_path / "a.png")
    made = written(block(media="image"), [item(picture)], tmp_path / "set")
    seen = seen_by("huggingface", made.folder, "download", reader="parquet")
    assert seen["kinds"]["image"] == "Image"
    assert [row["image"] for row in seen["rows"][0]] == [digest(picture.read_bytes())]


def test_015_f03_views_are_a_video_column_each(tmp_path: Path) -> None:
    film = footage.video(seconds=0.5, fps=10, size=(64, 48))
    one = item(film)
    assert one.media
    views = {"front": one.media.to_json(), "side": one.media.to_json()}
    made = written(block(views=list(views)), [item(film, views=views)], tmp_path / "set")
    assert seen_by("huggingface", made.folder, "download", reader="parquet")["kinds"]["side"] == "Video"


def test_the_code_on_the_page_reads_the_folder(folder: Path) -> None:
    sizes = [Path(one.media.uri).stat().st_size for one in films() if one.media]
    assert said_by("parquet", "huggingface", folder) == [f"clip {number} {size}" for number, size in enumerate(sizes)]
