"""Vectors beside their videos, and values of single frames, as the libraries read them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reelmill.contract.records.rows import Item
from trainers.environments import seen_by
from trainers.folders import digest, films
from trainers.lance_home import use_lance
from write.desk import block, embedded, written
from write.test_vectors_of_samples import STATES, taken
from write.test_write_lerobot import OPTIONS

BOXES = {"field": "boxes", "type": "vectors", "width": 4}


def boxes(number: int) -> list[list[float]]:
    """One of each frame."""
    return [[number + place / 2, 1.0, 2.0, 3.0] for place in range(5 + number)]


def clips(folder: Path) -> list[Item]:
    """Films with a vector of each, a text, and a box of each frame."""
    vectors = np.arange(7 * 6, dtype=np.float32).reshape(7, 2, 3)
    return [
        embedded(Path(one.media.uri), number, vectors[number], folder, text=one.fields["text"], boxes=boxes(number))
        for number, one in enumerate(films())
        if one.media
    ]


def made(format_: str, folder: Path) -> Path:
    columns = [{"field": "text", "type": "string"}, BOXES]
    found = written(
        block(format_, media="vector", madeOf="video", columns=columns, samplesPerFile=2), clips(folder), folder / "set"
    )
    assert not found.failed
    return found.folder


def expected(number: int) -> dict[str, Any]:
    one = films()[number]
    assert one.media
    video = digest(Path(one.media.uri).read_bytes())
    return {"key": one.key, "video": video, "text": one.fields["text"], "boxes": boxes(number)}


def values(number: int) -> list[float]:
    return [float(6 * number + place) for place in range(6)]


def test_015_f11_datasets_reads_them_as_features(tmp_path: Path) -> None:
    folder = made("parquet", tmp_path)
    flat = [{**expected(number), "vector": values(number), "vector_shape": [2, 3]} for number in range(7)]
    for mode in ("streaming", "download"):
        seen = seen_by("huggingface", folder, mode, reader="parquet")
        assert seen["rows"] == [flat]
        assert (seen["kinds"]["video"], seen["kinds"]["boxes"]) == ("Video", "List")


def test_015_f11_pylance_reads_them_as_lists(tmp_path: Path) -> None:
    use_lance()
    flat = [{**expected(number), "vector": values(number), "vector_shape": [2, 3]} for number in range(7)]
    assert seen_by("lance", folder := made("lance", tmp_path), "whole") == flat
    assert len(seen_by("lance", folder, "torch")) == 7


def test_015_f11_streaming_reads_them_as_arrays(tmp_path: Path) -> None:
    arrays = [{**expected(number), "vector": np.reshape(values(number), (2, 3)).tolist()} for number in range(7)]
    assert seen_by("mds", folder := made("mds", tmp_path), "whole") == arrays
    assert all(seen_by("mds", folder, "rewritten"))


def test_015_f11_lerobot_reads_values_of_frames_as_features(tmp_path: Path) -> None:
    frames = (5, 9, 7)
    items = [taken(number, count) for number, count in enumerate(frames)]
    folder = written(
        block("lerobot", lerobot=OPTIONS, views=["front"], columns=STATES, samplesPerFile=2), items, tmp_path / "set"
    ).folder
    seen = seen_by("lerobot", json.dumps({mode: [mode, str(folder)] for mode in ("of_frames", "stats")}))
    shapes, rows = seen["of_frames"]
    assert shapes == {"observation.state": [3], "action": [1]}
    assert rows == [
        {"observation.state": [number, place / 2, -place], "action": pytest.approx(place)}
        for number, count in enumerate(frames)
        for place in range(count)
    ]
    apart = seen["stats"]
    assert {name for name, stats in apart.items() if max(stats.values()) > 1e-3} == set()
