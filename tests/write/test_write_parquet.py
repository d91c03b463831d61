"""`write: {format: parquet}`: rows, files and features, read by pyarrow; failures; any division into shards."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

import footage
from reelmill.contract.records.rows import Item, Media, Output, Span
from write.desk import Written, block, digests, item, written

COLUMNS = [
    {"field": "text", "type": "string"},
    {"field": "measures.luma"},
    {"field": "measures.frames", "name": "frames", "type": "integer"},
    {"field": "ok", "type": "boolean"},
    {"field": "places", "type": "vector", "missing": "null"},
    {"field": "speech", "type": "json", "missing": "null"},
]


@pytest.fixture(scope="module")
def film() -> Path:
    return footage.video(seconds=0.5, fps=10, size=(64, 48))


def full(path: Path, number: int = 0, **more: Any) -> Item:
    fields = {"text": f"film {number} 夜", "measures": {"luma": 16 + number, "frames": 5}, "ok": True}
    return item(path, number, **fields, places=[0.5, 2], speech={"segments": [number]}, **more)


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows, in the order of the files that the README names."""
    return [row for path in listed(folder) for row in parquet.read_table(folder / path).to_pylist()]


def listed(folder: Path) -> list[str]:
    front = (folder / "README.md").read_text().split("---\n")[1]
    (config,) = yaml.safe_load(front)["configs"]
    (split,) = config["data_files"]
    return split["path"]


def test_015_f02_and_p1_a_row_has_the_bytes_of_the_file_and_the_values_of_the_fields(
    film: Path, tmp_path: Path
) -> None:
    made = written(block(columns=COLUMNS), [full(film, number) for number in range(3)], tmp_path / "set")
    assert not made.failed
    assert rows(made.folder) == [
        {
            "key": f"clip {number}",
            "video": {"bytes": film.read_bytes(), "path": film.name},
            "text": f"film {number} 夜",
            "luma": 16.0 + number,
            "frames": 5,
            "ok": True,
            "places": [0.5, 2.0],
            "speech": f'{{"segments":[{number}]}}',
        }
        for number in range(3)
    ]


def test_the_schema_names_the_features_and_files_are_stored_plain(film: Path, tmp_path: Path) -> None:
    made = written(block(columns=COLUMNS), [full(film)], tmp_path / "set")
    file = parquet.ParquetFile(made.folder / listed(made.folder)[0])
    features = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
    assert features["video"] == {"_type": "Video"}
    assert list(features) == file.schema_arrow.names
    group = file.metadata.row_group(0)
    stored = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert stored["video.bytes"].compression == "UNCOMPRESSED"
    assert not stored["video.bytes"].has_dictionary_page
    assert not stored["video.bytes"].is_stats_set
    assert stored["text"].compression == "ZSTD"


def test_without_columns_all_fields_are_there_as_json(film: Path, tmp_path: Path) -> None:
    made = written(block(), [item(film, text="a", size=[1, 2])], tmp_path / "set")
    assert [json.loads(row["fields"]) for row in rows(made.folder)] == [{"text": "a", "size": [1, 2]}]


def test_015_f02_f03_images_vectors_views_and_rows_without_a_file(film: Path, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 4), "red").save(picture)
    (image,) = rows(written(block(media="image"), [item(picture)], tmp_path / "images").folder)
    assert image["image"] == {"bytes": picture.read_bytes(), "path": "a.png"}

    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez_compressed(tmp_path / "v.npz", embedding=vectors)
    (vector,) = rows(written(block(media="vector"), [item(tmp_path / "v.npz")], tmp_path / "vectors").folder)
    assert (vector["vector"], vector["vector_shape"]) == (vectors.reshape(-1).tolist(), [2, 3])

    views = {name: Media(str(film), film.stat().st_size, source="raw").to_json() for name in ("front", "side")}
    (seen,) = rows(written(block(views=["side"]), [item(film, views=views)], tmp_path / "views").folder)
    assert seen["side"]["bytes"] == film.read_bytes()
    assert set(seen) == {"key", "side", "fields"}

    (bare,) = rows(written(block(media="none"), [item(film, text="a")], tmp_path / "bare").folder)
    assert set(bare) == {"key", "fields"}


def test_the_views_of_a_chunk_are_its_own_files(film: Path, tmp_path: Path) -> None:
    output = Output(str(film), film.stat().st_size, "sha256:0")
    chunk = Item(
        "take/0", 0, "take", 1.0, outputs=(output,), fields={"views": {"front": {"file": film.name, "frames": [0, 5]}}}
    )
    (row,) = rows(written(block(views=["front"]), [chunk], tmp_path / "set").folder)
    assert row["front"]["bytes"] == film.read_bytes()


def test_015_f04_a_sample_that_cannot_be_held_fails_alone_and_says_which_field(film: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    size = film.stat().st_size
    wrong = {
        "absent": ("no_field", full(film)),
        "type": ("bad_field", full(film)),
        "number": ("bad_field", full(film)),
        "surrogate": ("bad_text", full(film)),
        "no video": ("no_video", full(text)),
        "empty": ("empty", full(empty)),
        "nothing": ("no_media", Item("", 0, "", 1.0, None, fields=full(film).fields)),
        "row": ("virtual_clip", item(film, **{**full(film).fields, "start": 0.1, "end": 0.3})),
        "times": ("bad_span", item(film, **{**full(film).fields, "start": "no time"})),
        "span": (
            "virtual_clip",
            Item("", 0, "", 1.0, Media(str(film), size, span=Span(0, 1)), fields=full(film).fields),
        ),
    }
    change = {
        "absent": {"text": None},
        "type": {"ok": "yes"},
        "number": {"measures": {"luma": 10**400, "frames": 1}},
        "surrogate": {"text": "\ud800"},
    }
    items = [
        Item(name, number, name, 1.0, one.media, fields={**one.fields, **change.get(name, {})})
        for number, (name, (_, one)) in enumerate(wrong.items())
    ]
    made = written(block(columns=COLUMNS), [*items, full(film, 99)], tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {name: why for name, (why, _) in wrong.items()} | (
        {"no video": made.failed["no video"].reason}
    )
    assert "the column ok: 'yes' is not true or false" in made.failed["type"].message
    assert [row["key"] for row in rows(made.folder)] == ["clip 99"]


@pytest.mark.parametrize("format_", ["parquet", "mds"])
def test_a_file_that_is_listed_as_too_large_is_not_transferred(format_: str, film: Path, tmp_path: Path) -> None:
    large = Item("large", 0, "large", 1.0, Media(str(tmp_path / "nowhere.mp4"), 3 << 30, source="raw"))
    made = written(block(format_), [large, item(film, 1)], tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {"large": "too_large"}
    assert f"nowhere.mp4 has {3 << 30} bytes" in made.failed["large"].message
    assert [one.fields["samples"] for one in made.items] == [1]


def test_015_f05_files_are_the_same_for_any_division_into_shards(film: Path, tmp_path: Path) -> None:
    items = [full(film, number) for number in range(11)]
    two = block(columns=COLUMNS, samplesPerFile=2)
    one, three = (written(two, items, tmp_path / str(count), shards=count) for count in (1, 3))
    assert digests(one.folder) == digests(three.folder)
    assert [item.fields["samples"] for item in one.items] == [2, 2, 2, 2, 2, 1]


def test_a_file_ends_at_the_limit_of_bytes(tmp_path: Path) -> None:
    film = footage.video(seconds=4, fps=25, size=(320, 192), options=("-qp", "4"))
    fitting = 1_000_000 // (film.stat().st_size + 100)
    made = written(block(maxFileBytes=1_000_000), [item(film, number) for number in range(5)], tmp_path / "set")
    assert 1 < fitting < 5
    assert [one.fields["samples"] for one in made.items] == [fitting, 5 - fitting]


def test_growth_adds_files_and_renews_the_list(film: Path, tmp_path: Path) -> None:
    made = Written(block(columns=COLUMNS, samplesPerFile=2), tmp_path / "set")
    made.add([full(film, number) for number in range(3)])
    before = digests(made.folder)
    made.add([full(film, 3), full(film, 4)])
    after = digests(made.folder)
    assert {name: after[name] for name in before if name != "README.md"} == {
        name: content for name, content in before.items() if name != "README.md"
    }
    assert [row["key"] for row in rows(made.folder)] == [f"clip {number}" for number in range(5)]


def test_a_file_that_no_commit_names_is_not_data(film: Path, tmp_path: Path) -> None:
    made = written(block(), [item(film)], tmp_path / "set")
    (made.folder / "0001/part-000000099.parquet").write_text("left by a crash")
    assert listed(made.folder) == ["0001/part-000000000.parquet"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, kind=st.sampled_from(["string", "integer", "number", "boolean", "vector", "json"]))
def test_any_value_is_stored_as_it_is_or_refused(
    value: Any, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = Written(
        block(media="none", columns=[{"field": "it", "type": kind, "missing": "null"}]),
        tmp_path_factory.mktemp("any") / "set",
    )
    one = Item("a", 0, "a", 1.0, fields={"it": value})
    made.add([one])
    if made.failed:
        assert made.failed["a"].reason in ("bad_field", "bad_text")
        return
    (row,) = rows(made.folder)
    if kind == "json" and row["it"] is not None:
        assert json.loads(row["it"]) == value
    elif kind == "vector" and row["it"] is not None:
        assert row["it"] == np.array(value, np.float32).tolist()
    else:
        assert row["it"] == value
