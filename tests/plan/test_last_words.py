"""A step that ends without a report is told by the end of its log, in a cluster and on one machine."""

import json
import sys
from typing import Any

import pytest

from reelmill.contract.task import Failure, Step
from reelmill.controller.observe.job_reports import report
from reelmill.local import run
from reelmill.plan.jobs.log_tail import LENGTH, last_words
from simulated_cluster import pipeline

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}
DYING = """
import json, os, sys
print(json.dumps({"level": "info", "msg": "listing the bucket"}), file=sys.stderr)
print("terminate called: out of file handles", file=sys.stderr, flush=True)
os.kill(os.getpid(), 9)
"""


def line(message: str, **more: str) -> str:
    return json.dumps({"ts": "2026-01-01T00:00:00Z", "level": "info", "msg": message, **more})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (Failure(step=Step.SURVEY, error="StoreError", message="m").model_dump_json(), ""),
        (line("one"), "one"),
        (f'in half", "x": 1}}\n{line("one")}\nplain\n', 'in half", "x": 1}; one; plain'),
        (line("boom", traceback="Traceback\n  File\nKeyError: 'x'"), "boom (KeyError: 'x')"),
    ],
)
def test_the_end_of_a_log_in_one_line_and_nothing_of_a_report(text: str, words: str) -> None:
    assert last_words(text) == words


def test_last_words_are_few() -> None:
    assert len(last_words("\n".join(line(f"message {number}") for number in range(500)))) <= LENGTH
    assert len(last_words("x" * 10_000)) == LENGTH


@pytest.mark.store
def test_a_survey_that_was_killed_says_its_last_log_lines() -> None:
    outcome = run(pipeline([CLIPS]), command=[sys.executable, "-c", DYING])
    stalled = outcome.status.condition("Stalled")
    assert stalled
    assert "last log lines: listing the bucket; terminate called: out of file handles" in stalled.message


def job(how: str = "Failed") -> dict[str, Any]:
    return {
        "metadata": {"name": "j", "labels": {"reelmill.dev/step": "survey"}},
        "status": {"conditions": [{"type": how, "status": "True"}]},
    }


def pod(message: str, reason: str = "Error") -> dict[str, Any]:
    ended = {"exitCode": 137, "message": message, "reason": reason, "finishedAt": "2026-01-01T00:00:00Z"}
    return {
        "metadata": {"name": "pod-1"},
        "status": {"containerStatuses": [{"name": "reelmill", "state": {"terminated": ended}}]},
    }


def test_a_pods_own_report_goes_before_the_end_of_another_pods_log() -> None:
    report_text = Failure(step=Step.SURVEY, error="StoreError", message="no bucket").model_dump_json()
    assert report(job(), [pod(report_text), pod(line("listing"))]) == report_text
    assert report(job(), [pod(line("listing"))]) == "listing"


def test_out_of_memory_keeps_its_name_and_gets_the_last_words_too() -> None:
    failure = Failure.model_validate_json(report(job(), [pod(line("reading 3 GB"), reason="OOMKilled")]))
    assert failure.error == "OutOfMemory"
    assert failure.message.endswith("last log lines: reading 3 GB")


def test_a_line_that_is_nested_without_end_is_a_line() -> None:
    assert last_words("[" * 100_000).endswith("[[[")
