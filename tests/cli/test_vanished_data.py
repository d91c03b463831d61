"""The deep check, repair and ledger of a store that has nothing of a pipeline, or nothing any more."""

import json
import shutil
from pathlib import Path

import pytest

import footage
from cli.terminal import reelmill, write

pytestmark = pytest.mark.store


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    return write(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--deep"),
        ("repair",),
        ("check", "--deep", "--stage", "spans"),
        ("ledger",),
        ("ledger", "--outcome", "failed"),
        ("ledger", "--stage", "spans"),
    ],
)
def test_a_store_of_a_pipeline_that_never_ran_is_refused_with_its_folder(
    pipeline: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = reelmill(command[0], pipeline, *command[1:])
    names = "spans" if "--stage" in command else "raw, spans and pictures"
    problem = f"store in {tmp_path}: the store has no data set of {names} with this definition"
    assert (said.code, said.out) == (2, "")
    assert f"error: {problem}\nhint: run " in said.err


def test_the_ledger_of_a_source_without_items_is_empty(pipeline: Path) -> None:
    assert reelmill("run", pipeline, "-q").code == 0
    said = reelmill("ledger", pipeline, "--stage", "raw", "-o", "json")
    assert (said.code, json.loads(said.out)) == (0, [])


def test_a_source_without_items_is_undamaged(pipeline: Path) -> None:
    assert reelmill("run", pipeline, "-q").code == 0
    assert reelmill("check", pipeline, "--deep").code == 0


def test_a_data_set_that_was_deleted_as_a_whole_is_missed(pipeline: Path, tmp_path: Path) -> None:
    shutil.copyfile(footage.video(seconds=1.0, size=(64, 48), audio=False), tmp_path / "videos/a.mp4")
    assert reelmill("run", pipeline, "-q").code == 0
    (record,) = (tmp_path / "store/pictures").glob("*/_reelmill")
    shutil.rmtree(record.parent)
    said = reelmill("check", pipeline, "--deep", "-o", "json")
    assert said.code == 65
    (damaged,) = json.loads(said.out)["damage"]
    assert damaged["key"] == "pictures/latest.json"
    assert "run the pipeline, which makes it again" in damaged["remedy"]
    assert reelmill("run", pipeline, "-q").code == 0
    assert reelmill("check", pipeline, "--deep").code == 0
