"""Weights of items and stable positions, beside plain computations of the same."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.view import Weights
from reelmill_stages.datasets import SampleWeights
from reelmill_stages.sampling.clusters import k_means
from reelmill_stages.sampling.positions import position
from reelmill_stages.sampling.weights_view import weights_file
from reelmill_stages.stage import ListRows


@dataclass
class Rows:
    """A data set of items in memory."""

    found: list[Item]
    scratch: Path
    name: str = "keep"
    root: str = "keep/0123456789"
    totals: Counts = field(default_factory=Counts)

    def items(self) -> Iterator[Item]:
        return iter(self.found)

    def list_rows(self) -> Iterator[ListRows]:
        return iter(())

    def fetch(self, key: str, digest: str = "") -> Path:
        return self.scratch.parent / "store" / key


def weighted_rows(tmp_path: Path, items: list[Item], **weights: Any) -> list[dict[str, Any]]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    file = weights_file(Rows(items, scratch), Weights.model_validate(weights))
    rows: list[dict[str, Any]] = parquet.read_table(file.path).to_pylist()
    return rows


def item(number: int, group: str = "g", **fields: Any) -> Item:
    return Item(f"k{number}", number, group, 1.0, Media(f"clips/0/0001/{number}.mp4", 1), fields=fields)


@given(groups=st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_006_f10_by_group_every_video_has_the_same_total(
    groups: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    items = [item(number, group) for number, group in enumerate(groups)]
    rows = weighted_rows(tmp_path_factory.mktemp("w"), items, factors=[{"inverse": "group"}])
    totals: Counter[str] = Counter()
    for group, row in zip(groups, rows, strict=True):
        totals[group] += row["weight"]
    assert sum(totals.values()) == pytest.approx(len(items))
    assert len({round(total, 9) for total in totals.values()}) == 1


def test_factors_are_multiplied_and_missing_values_have_their_own(tmp_path: Path) -> None:
    items = [item(0, c="x", m=5), item(1, c="x", m=4), item(2, c="y"), item(3, m=9)]
    factors = [{"inverse": "c", "power": 0.5}, {"measure": "m", "from": 4, "to": 6, "missing": 0.25}]
    rows = weighted_rows(tmp_path, items, factors=factors)
    plain = np.array([2**-0.5 * 0.5, 0.0, 0.25, 1.0])
    assert [row["weight"] for row in rows] == pytest.approx(list(plain / plain.mean()))
    assert rows[0]["path"] == "../../clips/0/0001/0.mp4"


def test_numbers_can_be_balanced_by_bins(tmp_path: Path) -> None:
    items = [item(number, m=value) for number, value in enumerate([0, 0.1, 0.2, 10, "high"])]
    rows = weighted_rows(tmp_path, items, factors=[{"inverse": "m", "bins": 2}])
    plain = np.array([1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert [row["weight"] for row in rows] == pytest.approx(list(plain / plain.mean()))


def test_clusters_of_vectors_are_balanced(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    items = []
    (tmp_path / "store").mkdir()
    for number in range(12):
        base = np.eye(3)[0 if number < 9 else 1]
        np.savez_compressed(tmp_path / f"store/{number}.npz", embedding=base + 0.01 * chance.random((4, 3)))
        items.append(Item(f"k{number}", number, "g", 1.0, Media(f"{number}.npz", 1)))
    items.append(item(12))
    rows = weighted_rows(tmp_path, items, factors=[{"clusters": 2}])
    labels = [row["cluster"] for row in rows]
    assert len(set(labels[:9])) == len(set(labels[9:12])) == 1
    assert labels[0] != labels[9]
    assert labels[12] == -1
    plain = np.array([1 / 9] * 9 + [1 / 3] * 3 + [1])
    assert [row["weight"] for row in rows] == pytest.approx(list(plain / plain.mean()))


def test_fewer_vectors_than_clusters_and_equal_ones_are_no_error() -> None:
    assert len(k_means(np.ones((3, 2), np.float32) / np.float32(2**0.5), 8, 0)) == 1


def test_weights_that_are_all_zero_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no item can be drawn"):
        weighted_rows(tmp_path, [item(0)], factors=[{"measure": "m", "from": 0, "to": 1}])


def test_an_empty_data_set_has_an_empty_file(tmp_path: Path) -> None:
    assert weighted_rows(tmp_path, [], factors=[{"inverse": "group"}]) == []


@given(st.lists(st.text(max_size=8), unique=True, max_size=30), st.integers(0, 3))
def test_positions_depend_on_key_and_seed_alone(keys: list[str], seed: int) -> None:
    found = [position(key, seed) for key in keys]
    assert all(0 <= place < 1 for place in found)
    assert found == [position(key, seed) for key in keys]


def test_positions_are_the_same_for_ever() -> None:
    """Another hash would move items between the subsets of earlier versions."""
    assert [position(key, seed) for key, seed in (("a.mp4", 0), ("a.mp4", 1), ("猫", 0))] == [
        0.9542989321781693,
        0.5679447613364145,
        0.9124173746290045,
    ]


def test_a_tenth_by_position_is_about_a_tenth_and_part_of_a_fifth() -> None:
    places = [position(f"key-{number}", 0) for number in range(10_000)]
    assert 900 < sum(place < 0.1 for place in places) < 1100


def test_006_p1_a_reader_takes_weights_and_subsets_by_key_and_by_path(tmp_path: Path) -> None:
    items = [item(number, c="x" if number else "y") for number in range(40)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    weights_file(Rows(items, scratch), Weights.model_validate({"factors": [{"inverse": "c"}]}))
    found = SampleWeights(str(scratch))
    names = [each.key for each in items]
    assert found.of([names[0], names[5]]) == pytest.approx([20.0, 20 / 39])
    assert found.of(["../../clips/0/0001/0.mp4"]) == found.of(names[:1])
    first, second = found.subset(names, 0.25), found.subset(names, 0.5)
    assert set(first) < set(second)
    assert first == [number for number, name in enumerate(names) if position(name, 0) < 0.25]
    assert sorted([*found.subset(names, 0.5), *found.subset(names, 0.5, start=0.5)]) == list(range(40))
    with pytest.raises(SpecError, match="no weight for 'k99'"):
        found.of(["k99"])


def test_a_file_that_is_none_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SpecError, match="not a file of weights"):
        SampleWeights(str(tmp_path))
