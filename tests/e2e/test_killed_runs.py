"""kill -9 of a whole run, at any moment: the next one goes on, and the end is that of an undisturbed run."""

import time
from pathlib import Path

import pytest
from clip4mc_run import prepare
from killing import run_killing
from workshop import Workshop, same_end

from reelmill.processes.start_method import ENV, StartMethod

pytestmark = pytest.mark.store

NAMES = ("raw", "clips", "samples", "shards", "listing")
VIEWS = {"clips": "text_video_pairs.json", "samples": "dataset_info.json", "listing": "index.json"}


@pytest.mark.parametrize("method", list(StartMethod), ids=str)
def test_killed_runs_end_like_an_undisturbed_one(
    ran: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: StartMethod
) -> None:
    monkeypatch.setenv(ENV, method)
    shop = Workshop(tmp_path, ran.sources, ran.stages)
    run_killing(shop, 2, seed=1, longest=6.0)
    same_end(shop, ran, *NAMES)


@pytest.mark.parametrize(
    ("method", "seed"),
    [*((StartMethod.FORK, seed) for seed in range(5)), (StartMethod.SPAWN, 5), (StartMethod.SPAWN, 6)],
    ids=str,
)
def test_fifty_kills_at_random_moments_leave_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: StartMethod, seed: int
) -> None:
    monkeypatch.setenv(ENV, method)
    quiet = prepare(tmp_path)
    began = time.monotonic()
    quiet.run()
    longest = time.monotonic() - began
    (tmp_path / "killed").mkdir()
    killed = Workshop(tmp_path / "killed", quiet.sources, quiet.stages)
    run_killing(killed, 10, seed=seed, longest=longest)
    same_end(killed, quiet, *NAMES)
    for stage, file in VIEWS.items():
        assert killed.view(stage, file) == quiet.view(stage, file)
    assert {row["state"] for row in killed.run().values()} == {"cached"}
