"""A step as a process: task in, report and exit code out, and what SIGTERM does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import toy_line as toy

from reelmill.contract.records.rows import load_rows
from reelmill.contract.task import OpenReport, Step, StoreRef, SurveyReport, Task
from reelmill.contract.task_parts.shard_limits import ShardLimits

pytestmark = pytest.mark.store  # needs no server, but starts many processes


def do(line: toy.Line, task: Task, index: int | None = None) -> tuple[int, Any, list[dict[str, Any]]]:
    """Exit code, report and log lines of a step."""
    process = line.popen(task, index)
    _, log = process.communicate()
    report = line.root / f"report-{task.run}.json"
    return process.returncode, json.loads(report.read_text()) if report.exists() else None, load_rows(log)


def test_the_steps_of_a_run_report_what_the_planner_needs(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    code, report, log = do(line, line.task(Step.SURVEY))
    assert (code, SurveyReport.model_validate(report).sources["raw"].new) == (0, 1)
    assert all({"ts", "level", "msg"} <= set(row) for row in log)
    code, report, _ = do(line, line.open_task(upper))
    assert (code, OpenReport.model_validate(report)) == (0, OpenReport(segment=1, shards=1, in_=1, weight=1.0))
    code, report, log = do(line, line.task(Step.SHARDS, upper, segment=1), 0)
    assert (code, report) == (0, None)
    assert [row["done"] for row in log if row["msg"] == "progress"][-1] == 1
    code, report, _ = do(line, line.task(Step.COMMIT, upper, segment=1))
    assert (code, report["step"], report["totals"], report["coverage"]) == (
        0,
        "commit",
        {"in": 1, "done": 1},
        {"raw": 1},
    )


def test_failures_say_what_where_and_what_to_do(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    code, failure, _ = do(line, line.task(Step.SHARDS, upper, segment=1), 0)
    assert (code, failure["error"], failure["step"]) == (76, "StalePlan", "shards")
    assert failure["hint"]
    line.put("v")
    (tmp_path / "raw.jsonl").unlink()
    code, failure, _ = do(line, line.task(Step.SURVEY))
    assert (code, failure["error"]) == (64, "SpecError")
    assert "raw.jsonl" in failure["message"]


def test_a_bug_exits_70_with_a_traceback_in_the_log(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("v")
    (tmp_path / "raw.jsonl").write_text("no json")
    code, failure, log = do(line, line.task(Step.SURVEY))
    assert (code, failure["error"]) == (70, "JSONDecodeError")
    assert any("traceback" in row for row in log)


@pytest.mark.parametrize("env", [{}, {"REELMILL_TASK": "{}"}])
def test_a_process_without_a_task_exits_64(tmp_path: Path, env: dict[str, str]) -> None:
    report = tmp_path / "report.json"
    env = {**os.environ, **env, "REELMILL_REPORT": str(report)}
    done = subprocess.run([sys.executable, "-m", "reelmill_stages"], env=env, capture_output=True, check=False)
    assert (done.returncode, json.loads(report.read_text())["error"]) == (64, "SpecError")


def test_sigterm_ends_a_shard_soon_with_a_checkpoint_and_the_next_run_continues(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, limits=ShardLimits(workers=1, checkpoint_seconds=3600))
    upper = line.stage("upper", trace=str(tmp_path / "trace"))
    for number in range(4):
        line.put(f"v{number}")
    line.put("v5", "hang")
    line.survey()
    line.open(upper)
    task = line.task(Step.SHARDS, upper, segment=1)
    pod = line.popen(task, 0)
    trace = tmp_path / "trace"
    while not trace.exists() or len(trace.read_text().split()) < 5:
        time.sleep(0.05)
    pod.send_signal(signal.SIGTERM)
    _, log = pod.communicate(timeout=300)
    assert pod.returncode == 75
    assert json.loads((tmp_path / f"report-{task.run}.json").read_text())["error"] == "Interrupted"
    paths = line.data("upper").paths(1)
    (checkpoint,) = (stat.key for stat in line.store.list(paths.checkpoints(0)))
    assert [row["key"] for row in load_rows(line.store.read(checkpoint))] == ["v0", "v1", "v2", "v3"]
    assert len(list(line.store.list(f"{paths.internal}/logs/"))) == 1
    assert not list(line.store.list(paths.shards))
    assert line.commit(upper, 1, close_lost=True).counts.done == 4
    assert log


def test_survey_open_and_commit_start_without_media_libraries(tmp_path: Path) -> None:
    program = (
        "import sys, reelmill_stages.runtime.step, reelmill_stages.runtime.survey.step\n"
        "import reelmill_stages.runtime.open.step, reelmill_stages.runtime.commit.step\n"
        "heavy = {'numpy', 'av', 'minio', 'PIL', 'webdataset', 'pynvml', 'ffmpeg', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_survey_report_fits_a_termination_message(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(12):
        line.stage(f"a-stage-with-quite-a-long-name-{number:02d}")
    line.put("v")
    code, report, _ = do(line, line.task(Step.SURVEY))
    assert code == 0
    assert len(json.dumps(report, separators=(",", ":"))) < 4096
    assert SurveyReport.model_validate(report).stages.keys() == {stage.name for stage in line.stages}


def test_a_store_uri_of_another_kind_is_a_wrong_configuration(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    task = line.task(Step.SURVEY).model_copy(update={"store": StoreRef(uri="ftp://server/x")})
    code, failure, _ = do(line, task)
    assert (code, failure["error"]) == (64, "SpecError")
