"""Two pods of one shard, at once or one after the other, cannot disagree."""

from dataclasses import replace
from pathlib import Path

import pytest
import toy_line as toy
from bucket_places import SERVERS, place_at

from reelmill.contract.errors import TransientError
from reelmill.contract.records.segment import ShardCommit
from reelmill.contract.task import Step, StoreRef
from reelmill_stages.records.record_files import load

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


def twin_line(root: Path, type_: str, ref: StoreRef | None = None) -> toy.Line:
    line = toy.Line(root, ref=ref)
    line.stage("made", type_, per_file=3)
    for number in range(8):
        line.put(f"v{number}")
    line.put("split", "fail-env TOY_TWIN unlucky\nfine")
    line.survey()
    return line


@pytest.mark.parametrize("type_", ["Upper", "Join"])
@pytest.mark.parametrize("place", ["folder", *SERVERS])
def test_twin_pods_of_one_shard_agree_though_one_fails_an_item(
    tmp_path: Path, type_: str, place: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = twin_line(tmp_path, type_, None if place == "folder" else place_at(place, request, monkeypatch))
    made = line.stages[0]
    line.open(made)
    pods = [
        line.popen(line.task(Step.SHARDS, made, segment=1), 0, **({"TOY_TWIN": "1"} if twin else {}))
        for twin in (True, False)
    ]
    codes = [(pod.communicate()[1], pod.returncode)[1] for pod in pods]
    assert set(codes) <= {0, 75}
    assert 0 in codes
    line.commit(made, 1)
    data = line.data("made")
    toy.law(data)
    split = toy.outcomes(data)["split"]
    text = "".join(toy.contents(data).values()).lower()
    assert (split, "fine" in text) in [(("done", ""), True), (("failed", "unlucky"), False)]
    assert all(f"v{number}" in text for number in range(8))
    for file in data.files():
        assert line.store.stat(file.key).metadata["digest"] == file.digest


def uncommit(line: toy.Line) -> ShardCommit:
    """As if the pod had been killed right before its commit."""
    key = line.data("made").paths(1).shard(0)
    commit = load(line.store, key, ShardCommit)
    assert commit is not None
    line.store.delete(key)
    return commit


@pytest.mark.parametrize("type_", ["Upper", "Join"])
def test_frozen_outcomes_bind_every_later_pod(tmp_path: Path, type_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = twin_line(tmp_path, type_)
    made = line.stages[0]
    line.open(made)
    monkeypatch.setenv("TOY_TWIN", "1")
    line.shard(made, 1, 0)
    first = uncommit(line)
    monkeypatch.delenv("TOY_TWIN")
    line.shard(made, 1, 0)
    second = uncommit(line)
    assert (second.counts, second.outputs, second.items) == (
        first.counts,
        first.outputs,
        first.items and replace(first.items, key=second.items.key if second.items else ""),
    )
    assert second.counts.failed == 1


def test_a_stage_that_assembles_cannot_commit_what_it_cannot_do_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = twin_line(tmp_path, "Join")
    made = line.stages[0]
    line.open(made)
    line.shard(made, 1, 0)
    uncommit(line)
    monkeypatch.setenv("TOY_TWIN", "1")
    with pytest.raises(TransientError, match="split"):
        line.shard(made, 1, 0)
    monkeypatch.delenv("TOY_TWIN")
    line.shard(made, 1, 0)
    assert line.commit(made, 1).counts.done == 9


def test_a_shard_of_single_item_files_is_committed_from_its_frozen_outcomes_without_any_work(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    made = line.stage("made", "Upper", trace=str(tmp_path / "trace"))
    for number in range(3):
        line.put(f"v{number}")
    line.survey()
    line.open(made)
    line.shard(made, 1, 0)
    uncommit(line)
    (tmp_path / "trace").unlink()
    line.shard(made, 1, 0)
    assert not (tmp_path / "trace").exists()
    assert line.commit(made, 1).counts.done == 3
