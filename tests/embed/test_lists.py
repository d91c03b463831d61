"""The lists of a set of embeddings: rows stay together, and only a whole split is ready.

Most items here hold their rows as those of version 0.1.0 do; `tests/runtime/test_growing_lists.py` has the others.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Item, ListRows, Media
from reelmill.contract.records.segment import Counts
from reelmill_stages.stages.embed.lists import absolute, present_lists

ROOT = "embeddings/0123456789"


class Data:
    """A data set of items, as `present` sees it."""

    name = "embeddings"
    root = ROOT
    totals = Counts()

    def __init__(self, items: list[Item], scratch: Path, rows: Sequence[ListRows] = ()) -> None:
        self._items, self.scratch, self._rows = items, scratch, rows
        scratch.mkdir(exist_ok=True)

    def items(self) -> Iterator[Item]:
        return iter(self._items)

    def list_rows(self) -> Iterator[ListRows]:
        return iter(self._rows)

    def fetch(self, key: str) -> Path:
        raise NotImplementedError(key)


def item(name: str, *rows: tuple[str, str, int], of: int = 2, frames: int = 50) -> Item:
    lists = [
        {"split": split, "speaker": speaker, "row": row, "wav": f"/{speaker}/{row}.wav", "samples": 32000,
         "mix": f"/mix/{row}.wav", "mix_samples": 32001}
        for split, speaker, row in rows
    ]  # fmt: skip
    sizes = {split: of for split, _, _ in rows}
    media = Media(f"{ROOT}/0001/mouths/{name}_embedding.npz", 1)
    fields = {"lists": lists, "list_sizes": sizes, "shape": [512, frames]}
    return Item(f"mouths/{name}.npz", 0, name, 2.0, media, fields=fields)


def presented(items: list[Item], folder: Path) -> dict[str, Any]:
    return {file.name: json.loads(file.path.read_text()) for file in present_lists(Data(items, folder / "scratch"))}


A, B = item("a", ("tr", "s1", 0), ("tr", "s2", 1)), item("b", ("tr", "s2", 0))


def test_003_f04_lists_name_the_file_beside_which_the_reader_finds_the_embedding(tmp_path: Path) -> None:
    found = presented([A, B, item("c", ("tr", "s1", 1))], tmp_path)
    assert found["tr/mix.json"] == [["/mix/0.wav", 32001], ["/mix/1.wav", 32001]]
    assert found["tr/s1.json"] == [
        ["/s1/0.wav", "0001/mouths/a.npz", 32000],
        ["/s1/1.wav", "0001/mouths/c.npz", 32000],
    ]
    assert found["tr/s2.json"] == [
        ["/s2/0.wav", "0001/mouths/b.npz", 32000],
        ["/s2/1.wav", "0001/mouths/a.npz", 32000],
    ]
    assert found["tr/ready.json"] == {"rows": 2, "frames": [50]}
    assert "tr/missing.json" not in found


def test_d21_a_split_is_ready_only_when_every_item_has_an_embedding(tmp_path: Path) -> None:
    found = presented([A, B], tmp_path)
    assert "tr/ready.json" not in found
    assert found["tr/missing.json"] == {"rows": 2, "with_embeddings": 1, "missing": [[1, "s1"]]}
    assert [len(found[f"tr/{name}.json"]) for name in ("mix", "s1", "s2")] == [1, 1, 1]


def test_d21_a_whole_split_is_ready_though_another_is_not(tmp_path: Path) -> None:
    whole = [item("x", ("cv", "s1", 0), of=1), item("y", ("cv", "s2", 0), of=1)]
    found = presented([A, B, *whole], tmp_path)
    assert ("cv/ready.json" in found, "tr/ready.json" in found) == (True, False)


def test_a_split_whose_last_rows_all_failed_is_not_ready(tmp_path: Path) -> None:
    one = [item("a", ("tr", "s1", 0), of=3), item("b", ("tr", "s2", 0), of=3)]
    assert presented(one, tmp_path)["tr/missing.json"]["missing"] == [[1, "s1"], [1, "s2"], [2, "s1"], [2, "s2"]]


def test_rows_that_came_with_a_later_listing_count_for_all(tmp_path: Path) -> None:
    grown = [item("a", ("tr", "s1", 0), of=1), item("b", ("tr", "s2", 0), of=1)]
    assert "tr/ready.json" in presented(grown, tmp_path)
    assert "tr/ready.json" not in presented([*grown, item("c", ("tr", "s1", 1), of=2)], tmp_path)


def test_an_exports_lists_are_absolute_and_its_wavs_as_they_were(tmp_path: Path) -> None:
    view = tmp_path / "s1.json"
    view.write_text(json.dumps([["/s1/0.wav", "0001/mouths/a.npz", 32000]]))
    absolute(view, tmp_path)
    assert json.loads(view.read_text()) == [["/s1/0.wav", f"{tmp_path}/0001/mouths/a.npz", 32000]]
    for name in ("mix.json", "ready.json"):
        (tmp_path / name).write_text("[]\n")
        absolute(tmp_path / name, tmp_path)
        assert (tmp_path / name).read_text() == "[]\n"


def test_items_that_no_list_names_are_listed_by_key(tmp_path: Path) -> None:
    plain = Item("film.mp4", 0, "f", 1.0, Media(f"{ROOT}/0001/clip_000000_film_embedding.npz", 1), fields={})
    assert presented([plain], tmp_path) == {"embeddings.json": {"film.mp4": "0001/clip_000000_film_embedding.npz"}}
    view = tmp_path / "embeddings.json"
    view.write_text(json.dumps({"film.mp4": "0001/x_embedding.npz"}))
    absolute(view, tmp_path)
    assert json.loads(view.read_text()) == {"film.mp4": f"{tmp_path}/0001/x_embedding.npz"}


def test_rows_of_a_source_take_the_place_of_those_in_its_items_and_plain_items_of_others_are_told(
    tmp_path: Path,
) -> None:
    row = {"split": "cv", "speaker": "s1", "row": 0, "wav": "/n.wav", "samples": 9, "mix": "/m.wav", "mix_samples": 9}
    rows = [
        ListRows("crops", "/in/a.npz", (row, row | {"speaker": "s2"})),
        ListRows("crops", "", ({"split": "cv", "speaker": "s1", "row": 1},)),
    ]
    direct = replace(A, provenance={"source": {"uri": "/in/a.npz", "source": "crops"}})
    unlisted = replace(B, provenance={"source": {"uri": "1/x.npz"}, "from": {"source": "crops", "uri": "/in/b.npz"}})
    elsewhere = {"source": {"uri": "/in/a.npz", "source": "x"}}
    other = replace(A, key="clip", fields={"shape": [512, 9]}, provenance=elsewhere)
    data = Data([direct, unlisted, other], tmp_path / "scratch", rows)
    found = {file.name: json.loads(file.path.read_text()) for file in present_lists(data)}
    assert found.keys() == {"cv/mix.json", "cv/s1.json", "cv/s2.json", "cv/missing.json", "embeddings.json"}
    assert found["cv/s1.json"] == [["/n.wav", "0001/mouths/a.npz", 9]]
    assert found["cv/missing.json"] == {"rows": 2, "with_embeddings": 1, "missing": [[1, "s1"], [1, "s2"]]}
    assert list(found["embeddings.json"]) == ["clip"]


Crops = dict[tuple[str, int, str], int]
"""Source, row and speaker -> number of the file of crops."""
CROPS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from(["s1", "s2"])), st.integers(0, 3)
)


def of_sources(crops: Crops, order: Sequence[str], folder: Path) -> dict[str, Any]:
    """The views of several sources whose lists all have a split `tr`, and files of the same names."""
    rows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for (source, row, speaker), number in crops.items():
        told = {"wav": f"/{source}/{speaker}/{row}.wav", "samples": 9, "mix": f"/{source}/{row}.wav", "mix_samples": 9}
        rows.setdefault((source, number), []).append({"split": "tr", "speaker": speaker, "row": row, **told})
    items = [
        Item(
            f"{source}/{number}.npz", 0, "g", 2.0, Media(f"{ROOT}/0001/{source}/{number}_embedding.npz", 1),
            fields={"shape": [512, 50]}, provenance={"source": {"uri": f"/in/{number}.npz", "source": source}},
        )
        for source in order for number in sorted(number for name, number in rows if name == source)
    ]  # fmt: skip
    listed = [ListRows(source, f"/in/{number}.npz", tuple(found)) for (source, number), found in rows.items()]
    data = Data(items, folder / "scratch", listed)
    names = [file.name for file in present_lists(data)]
    assert len(set(names)) == len(names)
    return {file.name: json.loads(file.path.read_text()) for file in present_lists(data)}


@given(CROPS, st.permutations("abc"))
def test_rows_of_two_sources_are_in_lists_of_their_own_and_those_of_the_first_are_as_if_it_were_alone(
    tmp_path_factory: pytest.TempPathFactory, crops: Crops, order: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    found = of_sources(crops, order, folder)
    read = [source for source in order if any(source == name for name, _, _ in crops)]
    for place, source in enumerate(read):
        alone = of_sources({key: number for key, number in crops.items() if key[0] == source}, order, folder)
        begin = f"{source}/" if place else ""
        assert {f"{begin}{name}": value for name, value in alone.items()}.items() <= found.items()
    assert len(found) == 4 * len(read)


@given(CROPS, CROPS, st.permutations("abc"))
def test_no_list_of_a_source_moves_when_another_one_grows(
    tmp_path_factory: pytest.TempPathFactory, crops: Crops, more: Crops, order: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    before = of_sources(crops, order, folder)
    there = [source for source in order if any(source == name for name, _, _ in crops)]
    grown = of_sources({**more, **crops}, there + [source for source in order if source not in there], folder)
    for name in before:
        if name.endswith("s1.json"):
            wavs = {row[0] for row in before[name]}
            assert wavs <= {row[0] for row in grown[name]}
