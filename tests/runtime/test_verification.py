"""The verify step: what the deep check finds, reported by a pod that may be killed and continued."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.layout import verification
from reelmill.contract.task import Step
from reelmill.contract.task_parts.verification import VerificationTask, VerifyReport
from reelmill_stages.runtime.context import Interrupted, context
from reelmill_stages.runtime.remove import remove
from reelmill_stages.runtime.verify.step import verify

BEGAN = "2026-01-01T00:00:00Z"
FAST = VerificationTask(began=BEGAN, max_rate=1e9)


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    """A source with six captions and a stage of three shards."""
    line = toy.Line(tmp_path)
    line.shard_count = 3
    line.stage("upper")
    for key in "abcdef":
        line.put(key, f"{key * 1000}\n")
    line.go()
    return line


def outputs(line: toy.Line) -> list[Path]:
    """Output files by shard."""
    (segment,) = line.data("upper").segments()
    return [line.root / "store" / file.key for part in segment.parts for file in line.data("upper").part_files(part)]


def rot(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def progress_of(line: toy.Line) -> Path:
    return line.root / "store" / verification(line.uid)


def verified(line: toy.Line, limits: VerificationTask = FAST, stop: threading.Event | None = None) -> VerifyReport:
    task = line.task(Step.VERIFY, verification=limits)
    with context(task, os.environ, stop or threading.Event()) as found:
        return verify(found)


def test_a_whole_store_is_reported_with_the_number_of_its_objects(line: toy.Line) -> None:
    report = verified(line)
    assert (report.damaged, report.names) == (0, ())
    assert report.objects > len(outputs(line))
    assert not progress_of(line).exists()


def test_damage_is_counted_and_the_first_few_keys_are_named(line: toy.Line) -> None:
    paths = outputs(line)
    for path in paths:
        rot(path)
    report = verified(line)
    assert report.damaged == len(paths) == 6
    assert set(report.names) < {path.relative_to(line.root / "store").as_posix() for path in paths}


def test_a_step_that_is_stopped_saves_its_progress_and_the_next_one_continues(line: toy.Line) -> None:
    whole = verified(line)
    known = {"store": line.store.uri, "began": BEGAN, "whole": {line.data("upper").root: {1: "0,2"}}, "objects": 6}
    progress_of(line).parent.mkdir(parents=True, exist_ok=True)
    progress_of(line).write_text(json.dumps(known))
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(Interrupted):
        verified(line, stop=stopped)
    assert json.loads(progress_of(line).read_text())["whole"] == {line.data("upper").root: {"1": "0,2"}}
    first, second = outputs(line)[0], outputs(line)[2]
    rot(first)
    rot(second)
    report = verified(line)
    assert report.objects == whole.objects
    assert report.names == (second.relative_to(line.root / "store").as_posix(),)
    assert not progress_of(line).exists()


@pytest.mark.parametrize(
    "known", [b"{", b"null", b'{"store": "elsewhere"}', b'{"store": "", "whole": {"a": {"1": "x"}}}']
)
def test_progress_that_is_not_of_this_verification_is_discarded(line: toy.Line, known: bytes) -> None:
    progress_of(line).parent.mkdir(parents=True, exist_ok=True)
    progress_of(line).write_bytes(known)
    rot(outputs(line)[0])
    assert verified(line).damaged == 1


def test_progress_of_an_earlier_verification_is_discarded(line: toy.Line) -> None:
    known = {"store": line.store.uri, "began": "2025", "whole": {line.data("upper").root: {1: "0-2"}}, "objects": 9}
    progress_of(line).parent.mkdir(parents=True, exist_ok=True)
    progress_of(line).write_text(json.dumps(known))
    rot(outputs(line)[0])
    assert verified(line).damaged == 1


@pytest.mark.store
def test_a_pod_that_is_terminated_ends_soon_and_leaves_its_progress(line: toy.Line) -> None:
    line.put("large", "x" * 1_000_000)
    line.go()
    (rows, *_) = sorted((line.root / "store/raw").glob("*/*/_reelmill/items/*"))
    rot(rows)
    pod = line.popen(line.task(Step.VERIFY, verification=VerificationTask(began=BEGAN, max_rate=2000, read_all=True)))
    assert pod.stderr
    while b"damaged" not in (line_ := pod.stderr.readline()):  # it reads the source, and then for minutes the stage
        assert line_, pod.wait()
    pod.send_signal(signal.SIGTERM)
    pod.communicate(timeout=300)
    assert pod.returncode == 75
    rot(rows)
    assert json.loads(progress_of(line).read_text())["began"] == BEGAN
    assert verified(line).damaged == 0


def test_a_removed_pipeline_leaves_no_progress(line: toy.Line) -> None:
    progress_of(line).parent.mkdir(parents=True, exist_ok=True)
    progress_of(line).write_text(json.dumps({"store": line.store.uri}))
    with context(line.task(Step.REMOVE), os.environ, threading.Event()) as found:
        remove(found)
    assert not progress_of(line).exists()
