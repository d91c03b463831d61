"""Weighted samplers of PyTorch from the view of weights."""

from collections import Counter
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from reelmill_stages.datasets import SampleWeights

pytestmark = pytest.mark.store
KEYS = ["often", "seldom", "never"]


def test_006_p1_a_sampler_draws_by_the_weights_and_the_same_with_the_same_seed(tmp_path: Path) -> None:
    rows = {"key": KEYS, "path": KEYS, "weight": [2.4, 0.6, 0.0], "position": [0.1, 0.2, 0.3]}
    parquet.write_table(pyarrow.table(rows), tmp_path / "weights.parquet")
    weights = SampleWeights(str(tmp_path))
    drawn = list(weights.sampler(KEYS, 5000, seed=7))
    assert drawn == list(weights.sampler(KEYS, 5000, seed=7))
    counts = Counter(KEYS[index] for index in drawn)
    assert counts["never"] == 0
    assert counts["often"] / 5000 == pytest.approx(0.8, abs=0.03)
