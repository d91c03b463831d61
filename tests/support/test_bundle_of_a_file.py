"""The bundle of a pipeline file: of one that ran, of one that did not, and of one that cannot be read."""

import json
import shutil
from pathlib import Path

import pytest

import footage
from cli.terminal import reelmill, write
from reelmill_stages.commands.support.records import MOST_BYTES
from support.opened import manifest, opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.store
def test_after_a_run_it_holds_the_records_and_logs_of_every_stage(folder: Path) -> None:
    (folder / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copyfile(footage.video(seconds=2.0, size=(96, 64), audio=False), folder / "videos" / name)
    (folder / "videos/broken.mp4").write_bytes(b"no video")
    write(folder)
    reelmill("run", "pipeline.yaml")
    assert reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz").code == 0
    found = opened(folder / "bundle.tar.gz")
    assert manifest(folder / "bundle.tar.gz")["unread"] == {}
    plan = json.loads(found["plan.json"])
    assert [entry["name"] for entry in plan] == ["raw", "spans", "pictures"]
    for entry in plan:
        records = f"store/{entry['name']}/{entry['key'][:10]}/0001/_reelmill"
        assert json.loads(found[f"{records}/segment.json"])["state"] == "committed"
        assert entry["name"] == "raw" or json.loads(found[f"{records}/pass.json"])["segment"] == 1
    assert {row["name"] for row in json.loads(found["store/status.json"])} == {"raw", "spans", "pictures"}
    assert any(row["outcome"] == "failed" for row in json.loads(found["store/ledger-summary.json"]))
    (log,) = [text for name, text in found.items() if name.startswith("store/spans/") and name.endswith("log.jsonl")]
    assert "broken.mp4" in log
    assert len(found) > 15


def test_of_a_pipeline_that_never_ran_there_is_the_definition(folder: Path) -> None:
    write(folder)
    said = reelmill("support-bundle", "pipeline.yaml")
    (path,) = folder.glob("reelmill-support-pipeline-*.tar.gz")
    assert said.code == 0
    assert path.name in said.err
    assert {"pipeline.json", "plan.json", "machine.json", "store/status.json"} <= opened(path).keys()
    assert path.stat().st_mode & 0o077 == 0


def test_tracebacks_of_internal_errors_are_in_it_without_credentials(folder: Path) -> None:
    write(folder)
    crashes = folder.parent / "state/reelmill"
    crashes.mkdir(parents=True)
    for day in range(1, 9):
        text = f"Traceback {day}: https://me:canary-{day}@host.example/?token=canary-{day}"
        (crashes / f"crash-2026110{day}-120000-7.log").write_text(text)
    assert reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz").code == 0
    found = {name: text for name, text in opened(folder / "bundle.tar.gz").items() if name.startswith("crashes/")}
    assert [text[:12] for text in found.values()] == [f"Traceback {day}:" for day in range(4, 9)]
    assert "canary" not in "".join(found.values())


def test_a_definition_that_this_release_refuses_is_a_reason_and_no_obstacle(folder: Path) -> None:
    write(folder).write_text(
        "apiVersion: reelmill.dev/v1alpha1\nkind: VideoPipeline\nmetadata: {name: x}\nspec: {stages: 5}\n"
    )
    assert reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz").code == 0
    assert "stages" in manifest(folder / "bundle.tar.gz")["unread"]["plan.json"]
    assert json.loads(opened(folder / "bundle.tar.gz")["pipeline.json"])["spec"] == {"stages": 5}


@pytest.mark.parametrize(
    "content", [b"a: [1, 2", b"\xff\xfe\x00", b"a: 1\n---\nb: 2\n", b"- 1\n", b"", b"a: &x [*x]\n"]
)
def test_a_file_that_is_no_document_costs_the_document_and_not_the_bundle(folder: Path, content: bytes) -> None:
    (folder / "pipeline.yaml").write_bytes(content)
    said = reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz")
    assert said.code == 0, said.err
    assert "not read: pipeline.json: " in said.err
    found = opened(folder / "bundle.tar.gz")
    assert "machine.json" in found
    assert "pipeline.json" not in found
    assert set(manifest(folder / "bundle.tar.gz")["unread"]) == {"pipeline.json"}


@pytest.mark.parametrize("name", ["gone.yaml", "./work.yaml/"])
def test_a_file_that_is_not_there_makes_no_bundle(folder: Path, name: str) -> None:
    (folder / "work.yaml").mkdir()
    said = reelmill("support-bundle", name, "-o", "bundle.tar.gz")
    assert (said.code, (folder / "bundle.tar.gz").exists()) == (2, False)


def test_a_damaged_record_is_in_it_beside_the_reason_why_nothing_else_can_be_said(folder: Path) -> None:
    write(folder)
    (folder / "store/raw").mkdir(parents=True)
    (folder / "store/raw/latest.json").write_text('{"key": 5')
    assert reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz").code == 0
    assert "not a LatestKey record" in manifest(folder / "bundle.tar.gz")["unread"]["store/status.json"]
    assert opened(folder / "bundle.tar.gz")["store/raw/latest.json"] == '{"key": 5\n'


def test_a_file_that_is_there_is_not_replaced(folder: Path) -> None:
    write(folder)
    (folder / "mine.tar.gz").write_text("mine")
    said = reelmill("support-bundle", "pipeline.yaml", "-o", "mine.tar.gz")
    assert (said.code, (folder / "mine.tar.gz").read_text()) == (2, "mine")
    assert "already exists" in said.err


def test_a_folder_that_is_not_there_is_named_and_nothing_is_left(folder: Path) -> None:
    write(folder)
    said = reelmill("support-bundle", "pipeline.yaml", "-o", "nowhere/bundle.tar.gz")
    assert said.code == 2
    assert "nowhere/bundle.tar.gz" in said.err
    assert [path.name for path in folder.iterdir()] == ["pipeline.yaml"]


def test_of_a_record_that_is_too_large_there_is_the_beginning(folder: Path) -> None:
    write(folder)
    (folder / "store/_reelmill").mkdir(parents=True)
    (folder / "store/_reelmill/store.json").write_text("x" * (MOST_BYTES + 1000))
    assert reelmill("support-bundle", "pipeline.yaml", "-o", "bundle.tar.gz").code == 0
    assert opened(folder / "bundle.tar.gz")["store/_reelmill/store.json"].strip() == "x" * MOST_BYTES
