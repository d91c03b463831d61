"""`write: {format: mds}`: shards and index, read by the description of the format."""

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import footage
from reelmill.contract.records.rows import Item
from write.desk import Written, block, digests, item, written
from write.mds_shards import samples

COLUMNS = [
    {"field": "text", "type": "string"},
    {"field": "luma", "type": "number"},
    {"field": "frames", "type": "integer"},
    {"field": "ok", "type": "boolean", "missing": "null"},
    {"field": "places", "type": "vector"},
    {"field": "speech", "type": "json"},
]


@pytest.fixture(scope="module")
def film() -> Path:
    return footage.video(seconds=0.5, fps=10, size=(64, 48))


def full(path: Path, number: int = 0) -> Item:
    fields = {"text": f"夜 {number}", "luma": 16.5, "frames": number, "places": [0.5] * 300, "speech": {"a": ["é"]}}
    return item(path, number, **fields)


def test_015_f08_and_p1_shards_hold_the_bytes_of_the_files_and_the_values(film: Path, tmp_path: Path) -> None:
    made = written(block("mds", columns=COLUMNS, samplesPerFile=2), [full(film, n) for n in range(3)], tmp_path / "set")
    found = list(samples(made.folder))
    assert [one["video"] for one in found] == [film.read_bytes()] * 3
    assert [one["key"] for one in found] == [b"clip 0", b"clip 1", b"clip 2"]
    assert found[1]["text"].decode() == "夜 1"
    assert struct.unpack("<dq", found[1]["luma"] + found[1]["frames"]) == (16.5, 1)
    assert (json.loads(found[1]["ok"]), json.loads(found[1]["speech"])) == (None, {"a": ["é"]})
    assert found[1]["places"] == b"\x05" + struct.pack("<H", 300) + struct.pack("<f", 0.5) * 300


def test_the_index_has_the_digest_of_each_shard(film: Path, tmp_path: Path) -> None:
    made = written(block("mds"), [item(film)], tmp_path / "set")
    (shard,) = json.loads((made.folder / "index.json").read_text())["shards"]
    content = (made.folder / shard["raw_data"]["basename"]).read_bytes()
    assert shard["raw_data"]["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    "array", [np.float32(1), np.array([1e300]), np.array([np.nan])], ids=["no axis", "large", "nan"]
)
def test_an_array_that_the_format_cannot_hold_fails_alone(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "bad.npz", embedding=array)
    np.savez(tmp_path / "good.npz", embedding=np.ones(3))
    items = [item(tmp_path / "bad.npz", 0), item(tmp_path / "good.npz", 1)]
    made = written(block("mds", media="vector"), items, tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {"clip 0": "no_vector"}
    assert [one["key"] for one in samples(made.folder)] == [b"clip 1"]


def test_a_number_that_a_vector_cannot_hold_is_refused(tmp_path: Path) -> None:
    largest = float(np.finfo(np.float32).max)
    columns = [{"field": "places", "type": "vector"}]
    items = [
        Item(name, number, name, 1.0, fields={"places": [1.0, value]})
        for number, (name, value) in enumerate([("too large", -2 * largest), ("largest", largest)])
    ]
    made = written(block("mds", media="none", columns=columns), items, tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {"too large": "bad_field"}
    (one,) = samples(made.folder)
    assert np.isfinite(np.frombuffer(one["places"][2:], "<f4")).all()


def test_an_array_keeps_its_shape(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", embedding=np.arange(6, dtype=np.float16).reshape(2, 3))
    made = written(block("mds", media="vector"), [item(tmp_path / "v.npz")], tmp_path / "set")
    (one,) = samples(made.folder)
    assert one["vector"] == b"\x08\x02\x03" + np.arange(6, dtype="<f4").tobytes()


def test_015_f05_growth_keeps_shards_and_they_are_the_same_for_any_division(film: Path, tmp_path: Path) -> None:
    two = block("mds", columns=COLUMNS, samplesPerFile=2)
    one, three = (Written(two, tmp_path / str(count)) for count in (1, 3))
    one.add([full(film, number) for number in range(7)])
    three.add([full(film, number) for number in range(7)], shards=3)
    assert digests(one.folder) == digests(three.folder)
    one.add([full(film, 7)])
    assert [found["key"] for found in samples(one.folder)] == [f"clip {number}".encode() for number in range(8)]


def test_015_f04_an_empty_vector_fails_alone(film: Path, tmp_path: Path) -> None:
    empty = full(film, 1)
    made = written(
        block("mds", columns=COLUMNS),
        [full(film), Item("none", 1, "", 1.0, empty.media, fields={**empty.fields, "places": []})],
        tmp_path / "set",
    )
    assert made.failed["none"].reason == "bad_field"
    assert len(list(samples(made.folder))) == 1
