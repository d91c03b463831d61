"""`why` without a cluster: what the store shows is said in one paragraph, the cause first, then losses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import reelmill, write
from reelmill.contract.commands.result_rows import OpenPassRow, StatusRow
from reelmill.contract.text.stored_state import stored_state

pytestmark = pytest.mark.store  # needs no server, but runs pipelines


def row(name: str, kind: str = "stage", **more: Any) -> StatusRow:
    usual: dict[str, Any] = {
        "name": name, "kind": kind, "type": "clip", "key": "k" * 8, "state": "current", "segments": 1, "items": 3,
        "weight": 3, "in_": 3, "done": 3, "filtered": 0, "failed": 0, "skipped": 0, "reasons": {}, "counters": {},
        "uncovered": {}, "pass_": None, "latest": None, "uri": "file:///data",
    }  # fmt: skip
    return StatusRow(**{**usual, **more})


def opened(seconds_ago: float | None, *, ended: bool = False) -> OpenPassRow:
    return OpenPassRow(segment=2, shards=10, committed=3, by="default/x", seconds_ago=seconds_ago, ended=ended)


@dataclass(frozen=True)
class Case:
    name: str
    rows: list[StatusRow]
    state: str
    why: str
    tolerances: Mapping[str, str | None] = field(default_factory=dict)


RAW = row("raw", "source")
CASES = [
    Case("complete", [RAW, row("clips")], "complete", "Every input that was listed is processed."),
    Case("empty", [row("raw", "source", segments=0), row("clips", segments=0)], "empty", "Nothing is committed yet."),
    Case(
        "an empty source",
        [row("raw", "source", segments=0, listed=True), row("clips", segments=0)],
        "empty",
        "Nothing is committed: a run has started, but found no items in raw. "
        "If it reported no error, check the address and patterns there.",
    ),
    Case(
        "one of two sources is listed",
        [row("a", "source", segments=0, listed=True), row("b", "source", segments=0), row("clips", segments=0)],
        "empty",
        "Nothing is committed yet.",
    ),
    Case(
        "new input",
        [RAW, row("clips", uncovered={"raw": 1}), row("frames", segments=0, uncovered={"clips": 1})],
        "behind",
        "clips and frames have not processed all of their inputs: there are new items of clips and raw. "
        "The next run does.",
    ),
    Case(
        "tolerated failures",
        [RAW, row("clips", failed=1), row("frames", segments=0, uncovered={"clips": 1})],
        "behind",
        "frames has not processed all of its inputs: there are new items of clips. The next run does. "
        "Failed items: clips, 1 failed. "
        "`reelmill ledger PIPELINE --outcome failed` lists them.",
    ),
    Case(
        "too many failed",
        [RAW, row("clips", failed=1), row("frames", segments=0, uncovered={"clips": 1})],
        "failed",
        "More items failed than tolerated: clips lost 1 of 3 items to failures. Later stages process nothing more "
        "until a retry succeeds or `failures.tolerate` is raised. Failed items: clips, 1 failed. "
        "`reelmill ledger PIPELINE --outcome failed` lists them.",
        {"clips": "0"},
    ),
    Case(
        "failures whose tolerance is unknown",
        [RAW, row("clips", in_=1000, done=500, failed=500)],
        "complete",
        "Every input that was listed is processed. Failed items: clips, 500 failed. "
        "`reelmill ledger PIPELINE --outcome failed` lists them.",
    ),
    Case(
        "another definition",
        [RAW, row("clips", segments=0, uncovered={"raw": 1}, latest={"key": "other", "definition": {}})],
        "behind",
        "clips has not processed all of its inputs: there are new items of raw. The next run does. "
        "The definition of clips has changed since the last data set.",
    ),
    Case(
        "at work",
        [RAW, row("clips", pass_=opened(4.0))],
        "working",
        "Nothing is wrong: clips has committed 3 of 10 shards of segment 2, and the last heartbeat was 4s ago.",
    ),
    Case(
        "left alone",
        [RAW, row("clips", pass_=opened(7200.0))],
        "stopped",
        "Nobody works on clips: it has committed 3 of 10 shards of segment 2, and the last heartbeat was 2h 00m ago. "
        "The next run continues that pass.",
    ),
    Case(
        "killed a moment ago",
        [RAW, row("clips", pass_=opened(4.0, ended=True))],
        "stopped",
        "Nobody works on clips: it has committed 3 of 10 shards of segment 2, and the run that did has ended. "
        "The next run continues that pass.",
    ),
    Case(
        "never begun",
        [RAW, row("clips", pass_=opened(None))],
        "stopped",
        "Nobody works on clips: it has committed 3 of 10 shards of segment 2, and there was no heartbeat. "
        "The next run continues that pass.",
    ),
    Case(
        "losses",
        [RAW, row("clips", failed=3, reasons={"failed:no_video": 2, "failed:mine": 1, "filtered:short": 9})],
        "complete",
        "Every input that was listed is processed. Failed items: clips, 3 failed (no_video 2, mine 1). "
        "`reelmill ledger PIPELINE --outcome failed` lists them. Mostly no_video: ",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_store_shows_is_said_in_one_paragraph(case: Case) -> None:
    found = stored_state(case.rows, case.tolerances)
    assert found.state == case.state
    assert found.why.startswith(case.why) if case.why.endswith(" ") else found.why == case.why


def test_a_file_is_explained_by_its_store_or_one_stage_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    assert reelmill("why", path).out == "Nothing is committed yet.\n"
    for code in (2, 0):  # the folder is missing, then empty
        assert reelmill("run", path).code == code
        explanation = " ".join(reelmill("why", path).out.split())
        assert explanation.startswith(
            "Nothing is committed: a run has started, but found no items in raw. If it reported no"
        )
        (tmp_path / "videos").mkdir(exist_ok=True)
    (tmp_path / "videos/broken.mp4").write_bytes(b"not a video")
    assert reelmill("run", path).code != 0
    explanation = json.loads(reelmill("why", path, "-o", "json").out)
    assert (explanation["name"], explanation["state"]) == ("small", "failed")
    assert explanation["why"].startswith(explanation["reason"])
    assert "Failed items: spans, 1 failed (" in explanation["why"]
    assert f"`reelmill ledger {path} --outcome failed` lists them." in explanation["why"]
    assert "Failed items" not in json.loads(reelmill("why", path, "--stage", "pictures", "-o", "json").out)["why"]
    said = reelmill("why", path, "--stage", "nothing")
    assert (said.code, "no stage named 'nothing'" in said.err) == (2, True)
