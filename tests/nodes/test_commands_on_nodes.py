"""The commands as a person has them, with pods that really speak and a bucket that really holds what they made."""

import json
from pathlib import Path

import pytest
import yaml

from control_plane.commands import Person, person
from nodes.cluster_s3 import ENV
from nodes.place import JOB, Place
from nodes.small_pipeline import FILMS, Json, small

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]


@pytest.fixture
def somebody(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """With the keys of the store in the environment."""
    for variable, value in ENV.items():
        monkeypatch.setenv(variable, value)
    place.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(place.s3.secrets(["s3-credentials"])))
    return person(place.cluster.kubeconfig, place.namespace, tmp_path)


def test_a_pipeline_is_submitted_followed_and_asked_until_its_data_lie_in_a_folder(
    place: Place, somebody: Person, tmp_path: Path
) -> None:
    document = small(place.s3, "walked")
    submitted = somebody.reelmill("submit", somebody.file(document), "-w")
    assert submitted.code == 0, submitted.err
    assert submitted.out.splitlines()[-1].endswith("walked: complete")

    shown = somebody.kubectl_reelmill("status", "walked")
    assert shown.code == 0, shown.err
    assert "clips" in shown.out
    assert f"{3 * FILMS} of {3 * FILMS} done" in shown.out
    assert "It has been complete" in somebody.reelmill("why", "walked").out

    spoken = somebody.kubectl_reelmill("logs", "walked", "-s", "clips")
    assert spoken.code == 0, spoken.err
    assert {line.split()[1] for line in spoken.out.splitlines()} >= {"clips/0", "clips/1"}
    one = somebody.reelmill("logs", "walked", "-s", "clips", "--shard", 1, "--raw")
    # The pod of the last shard also says what it did to close the pass.
    assert {line["shard"] for line in map(json.loads, one.out.splitlines()) if "shard" in line} == {1}
    followed = somebody.reelmill("logs", "walked", "-s", "samples", "-f")
    assert followed.code == 0, followed.err

    outside = ("--endpoint", place.s3.outside)
    rows = somebody.reelmill("ledger", "walked", "-s", "clips", *outside)
    assert rows.code == 0, rows.err
    assert "done" in rows.out
    assert somebody.reelmill("check", "walked", "-s", "clips", *outside).code == 0
    assert "the run has a report" in followed.out
    report = somebody.reelmill("report", "walked", "-o", tmp_path / "walked.html", *outside)
    assert report.code == 0, report.err
    assert "complete. " in report.err
    exported = somebody.reelmill("export", "walked", "samples", tmp_path / "out", *outside)
    assert exported.code == 0, exported.err
    assert len(list((tmp_path / "out").rglob("*.npy"))) == 3 * FILMS

    for job in place.jobs("walked"):
        place.cluster.client.delete(JOB, job["metadata"]["name"], place.namespace)
    place.cluster.client.wait(lambda: not place.pods("walked"), 120, "the pods to go")
    kept = somebody.reelmill("logs", "walked", "-s", "clips", "--shard", 0, *outside)
    assert kept.code == 0, kept.err
    assert kept.out.splitlines()


def test_a_pipeline_is_suspended_resumed_and_done_again_on_pods(place: Place, somebody: Person) -> None:
    assert somebody.reelmill("submit", somebody.file(small(place.s3, "paused"))).code == 0
    place.running("paused", "clips")
    assert somebody.reelmill("suspend", "paused").code == 0
    place.cluster.client.wait(lambda: not _active(place.jobs("paused")), 120, "pods to be stopped")
    assert "suspended" in somebody.reelmill("why", "paused").out
    resumed = somebody.reelmill("resume", "paused", "-w")
    assert resumed.code == 0, resumed.err
    again = somebody.reelmill("rerun", "paused", "-s", "samples", "-w")
    assert again.code == 0, again.err
    assert len(place.pods("paused", "samples", "shards")) == 2


def _active(jobs: list[Json]) -> bool:
    return any((job.get("status") or {}).get("active") for job in jobs)
