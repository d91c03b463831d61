"""Rows with a vector beside the video of which it was made, and with values of single frames."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

import footage
from reelmill.contract.records.rows import Item
from reelmill_stages.stages.write.check import WrittenCheck
from write.desk import block, embedded, item, written
from write.mds_shards import samples
from write.test_write_lerobot import OPTIONS, episode, film

BOXES = [[0.0, 1.0, 2.0, 3.0], [], [1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 5.0, 5.0]]
"""Of three frames: one box, none, two."""


@pytest.fixture(scope="module")
def video() -> Path:
    return footage.video(seconds=0.5, fps=10, size=(64, 48))


def clips(video: Path, folder: Path, count: int = 3, **fields: Any) -> list[Item]:
    vectors = np.arange(count * 8, dtype=np.float32).reshape(count, 2, 4)
    return [embedded(video, n, vectors[n], folder, text=f"clip {n}", **fields) for n in range(count)]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.parquet")) for row in parquet.read_table(path).to_pylist()]


def test_015_f11_a_row_has_the_vector_the_video_that_it_was_made_of_and_the_fields(video: Path, tmp_path: Path) -> None:
    columns = [{"field": "text", "type": "string"}]
    made = written(
        block(media="vector", madeOf="video", columns=columns), clips(video, tmp_path), tmp_path / "set", shards=2
    )
    assert not made.failed
    assert rows(made.folder) == [
        {
            "key": f"clip {number}",
            "video": {"bytes": video.read_bytes(), "path": video.name},
            "vector": [float(8 * number + place) for place in range(8)],
            "vector_shape": [2, 4],
            "text": f"clip {number}",
        }
        for number in range(3)
    ]
    assert all(found.ok for found in WrittenCheck().check(made.folder))


def test_a_shard_of_mds_has_both_too(video: Path, tmp_path: Path) -> None:
    made = written(block("mds", media="vector", madeOf="video"), clips(video, tmp_path), tmp_path / "set")
    for number, one in enumerate(samples(made.folder)):
        assert one["video"] == video.read_bytes()
        assert one["vector"][3:] == np.arange(8 * number, 8 * number + 8, dtype="<f4").tobytes()
    assert all(found.ok for found in WrittenCheck().check(made.folder))


def test_a_vector_that_does_not_tell_its_video_or_was_made_of_a_part_of_it_fails_alone(
    video: Path, tmp_path: Path
) -> None:
    good = clips(video, tmp_path)
    untold = item(tmp_path / "0_embedding.npz", 7)
    source: Any = good[0].provenance["source"]
    parts = [embedded(video, 8, np.ones(3), tmp_path, start=0.1, end=0.3), embedded(video, 9, np.ones(3), tmp_path)]
    parts[1] = Item(**{name: getattr(parts[1], name) for name in Item.__slots__} | {  # type: ignore[attr-defined]
        "provenance": {"source": {**source, "span": [0.1, 0.3]}}
    })  # fmt: skip
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    other = embedded(text, 10, np.ones(3), tmp_path)
    made = written(block(media="vector", madeOf="video"), [untold, *parts, other, *good], tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {
        "clip 7": "no_media", "clip 8": "virtual_clip", "clip 9": "virtual_clip", "clip 10": "corrupt",
    }  # fmt: skip
    assert len(rows(made.folder)) == 3


def test_015_f11_values_of_frames_are_lists_of_lists_of_any_length(video: Path, tmp_path: Path) -> None:
    columns = [{"field": "boxes", "type": "vectors"}, {"field": "poses", "type": "vectors", "missing": "null"}]
    items = [item(video, 0, boxes=BOXES), item(video, 1, boxes=[[1]], poses=[[1.5, 2], [3, 4]])]
    made = written(block(columns=columns), items, tmp_path / "set")
    assert [row["boxes"] for row in rows(made.folder)] == [BOXES, [[1.0]]]
    assert [row["poses"] for row in rows(made.folder)] == [None, [[1.5, 2.0], [3.0, 4.0]]]
    (path,) = (made.folder / "0001").rglob("*.parquet")
    group = parquet.read_metadata(path).row_group(0)
    stored = {group.column(place).path_in_schema: group.column(place).compression for place in range(group.num_columns)}
    assert stored["boxes.list.element.list.element"] == stored["key"] == "ZSTD"
    features = json.loads(parquet.read_schema(path).metadata[b"huggingface"])["info"]["features"]
    assert features["boxes"]["feature"]["feature"] == {"dtype": "float32", "_type": "Value"}


def test_vectors_of_one_length_are_an_array_of_mds(video: Path, tmp_path: Path) -> None:
    columns = [{"field": "poses", "type": "vectors", "width": 2}]
    made = written(block("mds", columns=columns), [item(video, poses=[[1, 2], [3, 4], [5, 6]])], tmp_path / "set")
    (one,) = samples(made.folder)
    assert one["poses"] == b"\x08\x03\x02" + struct.pack("<6f", *range(1, 7))


@pytest.mark.parametrize(
    ("poses", "said"),
    [
        ([1, 2], "list of lists"), ([], "list of lists"), ("a", "list of lists"), ([[1, 2], [3]], "of 2 numbers each"),
        ([[1, True]], "a number"), ([[1, 1e300]], "32 bits"), ([[1, float("inf")]], "finite"), (None, "no such field"),
    ],
)  # fmt: skip
def test_other_values_fail_alone(poses: Any, said: str, video: Path, tmp_path: Path) -> None:
    columns = [{"field": "poses", "type": "vectors", "width": 2}]
    items = [item(video, 0, poses=poses), item(video, 1, poses=[[1, 2]])]
    made = written(block(columns=columns), items, tmp_path / "set")
    (failed,) = made.failed.values()
    assert said in failed.message
    assert [row["key"] for row in rows(made.folder)] == ["clip 1"]


STATES = [{"field": "robot.state", "type": "vectors", "width": 3}, {"field": "action", "type": "vectors", "width": 1}]


def taken(number: int, frames: int, **more: Any) -> Item:
    """An episode with a state and an action of each frame."""
    one = episode(number, front=film(frames))
    state = [[number, place / 2, -place] for place in range(frames)]
    values = {"robot": {"state": state}, "action": [[place] for place in range(frames)], **more}
    return Item(one.key, number, one.group, 1.0, fields={**one.fields, **values})


def test_015_f11_vectors_of_frames_are_features_of_lerobot(tmp_path: Path) -> None:
    block_ = block("lerobot", lerobot=OPTIONS, views=["front"], columns=STATES, samplesPerFile=2)
    items = [taken(0, 5), taken(1, 9), taken(2, 7), taken(3, 5, action=[[1.0]] * 4)]
    made = written(block_, items, tmp_path / "set", shards=2)
    assert {key: one.message for key, one in made.failed.items()} == {
        "take 3": "the column action has 4 vectors for 5 frames"
    }
    table = parquet.read_table(made.folder / "data/chunk-000/file-000.parquet")
    states = [[number, place / 2, -place] for number, count in enumerate((5, 9, 7)) for place in range(count)]
    assert table["observation.state"].to_pylist() == states
    assert table["action"].to_pylist() == [float(place) for count in (5, 9, 7) for place in range(count)]
    info = json.loads((made.folder / "meta/info.json").read_text())["features"]
    assert info["observation.state"] == {"dtype": "float32", "shape": [3], "names": None}
    stats = json.loads((made.folder / "meta/stats.json").read_text())["observation.state"]
    assert stats["max"] == [2.0, 4.0, 0.0]
    assert stats["mean"] == pytest.approx(np.mean(states, axis=0))
    assert stats["std"] == pytest.approx(np.std(states, axis=0))
    assert all("robot" not in json.dumps(one.fields["episodes"][0]["values"]) for one in made.items)
    episodes = parquet.read_table(made.folder / "meta/episodes/chunk-000/file-000.parquet")
    assert not {"state", "action"} & set(episodes.column_names)
    assert not list(tmp_path.rglob("file-*/*.json")), "parts that were fetched are deleted"
    assert all(found.ok for found in WrittenCheck().check(made.folder))


@pytest.mark.parametrize(
    ("format_", "more", "said"),
    [
        ("mds", {"columns": [{"field": "a", "type": "vectors"}]}, "give the column a a width"),
        ("lerobot", {"columns": [{"field": "a", "type": "vectors"}], "lerobot": OPTIONS}, "give the column a a width"),
        ("lerobot", {"columns": [{"field": "a", "type": "vectors", "width": 2, "missing": "null"}],
                     "lerobot": OPTIONS}, "have no null"),
        ("mds", {"columns": [{"field": "a", "type": "vectors", "width": 2, "missing": "null"}]}, "no null"),
        ("parquet", {"columns": [{"field": "a", "type": "vector", "width": 2}]}, "a width without type vectors"),
        ("parquet", {"madeOf": "video"}, "set media: vector"),
        ("parquet", {"madeOf": "video", "media": "vector", "columns": [{"field": "video", "type": "json"}]},
         "two columns have the name video"),
    ],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(
    format_: str, more: dict[str, Any], said: str
) -> None:
    assert any(said in one for one in block(format_, **more).refusals())
