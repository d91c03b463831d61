"""The operator benchmark's arithmetic and page. What it measures is no test."""

import json

import pytest

from bench_operator import counts, ours, page, results
from bench_operator.load import Load
from reelmill.contract.task import CommitReport, OpenReport, SurveyReport
from repo.tree import ROOT

RESULTS = ROOT / "docs/benchmarks-operator.json"
HISTOGRAM = """\
x_bucket{controller="videopipeline",le="0.1"} 50.0
x_bucket{controller="videopipeline",le="1.0"} 99.0
x_bucket{controller="videopipeline",le="+Inf"} 100.0
"""


def test_quantiles_are_read_off_the_buckets() -> None:
    assert ours._quantiles(HISTOGRAM, "x") == {"p50": 0.1, "p99": 1.0}
    assert ours._quantiles("", "x") == {"p50": 0.0, "p99": 0.0}


def test_jobs_of_the_same_work_are_told_apart_from_others_by_their_names() -> None:
    names = ["p0001-s1-0123456789-o2", "p0001-s1-0123456789-o12", "p0001-s1-0123456789-s3"]
    assert len({ours._work(name) for name in names}) == 2


def test_the_words_of_the_pods_are_the_reports_of_the_steps() -> None:
    load = Load(pipelines=1, stages=2, shards=3)
    told = load.messages()
    assert set(SurveyReport.model_validate_json(told["survey"]).stages) == {"s1", "s2"}
    assert OpenReport.model_validate_json(told["open"]).shards == 3
    commit = CommitReport.model_validate_json(told["commit"])
    assert commit.coverage == {"raw": 1}
    assert [(each.stage, each.shards, each.small) for each in commit.next] == [("s2", 3, False)]
    assert not CommitReport.model_validate_json(load.messages(stage=2)["commit"]).next
    assert (load.jobs, load.pods, load.work_pods) == (3, 7, 6)
    many = Load(pipelines=1, stages=2, shards=100)
    assert (many.jobs, many.pods) == (5, 203)
    small = Load(pipelines=1, stages=5, shards=1)
    assert SurveyReport.model_validate_json(small.messages()["survey"]).next[0].small
    assert (small.jobs, small.pods) == (6, 6)


class Plane:
    """An audit log."""

    def audit(self, user: str) -> list[dict[str, object]]:
        answers = [("create", "jobs", 201), ("create", "jobs", 201), ("create", "jobs", 409), ("patch", "pods", 200)]
        return [
            {"verb": verb, "objectRef": {"resource": kind}, "responseStatus": {"code": code}}
            for verb, kind, code in answers
        ]

    def reads(self, user: str) -> list[dict[str, object]]:
        return [{"verb": "list", "objectRef": {"resource": kind}} for kind in ("jobs", "pods", "pods")]


def test_requests_are_counted_by_kind_without_refused_writes_and_lists_at_intervals() -> None:
    found = counts.requests(Load(2, stages=1, shards=1), Plane(), "operator", at_intervals=["list jobs"])  # type: ignore[arg-type]
    assert found == {
        "writes a pipeline": 1.5,
        "writes": {"create jobs": 1.0, "patch pods": 0.5},
        "reads a pipeline": 1.0,
        "reads": {"list pods": 1.0},
    }


ABOUT = {"date": "2026-01-02", "load average": "9.0 before, 9.0 after", "remark": "busy"}
KNOWN = {"counts": {"pods": 2, "run": {}}, "times": {"seconds": 3.0, "run": {"date": "2026-01-01"}}}
FOUND = {
    "load": {"pipelines": 1, "stages": 1, "shards": 1},
    "counts": {"pods": 1, "writes a pipeline": 3.0},
    "times": {"seconds": 9.0},
}


def test_a_run_on_a_busy_machine_renews_the_counts_and_leaves_the_times() -> None:
    found = results.renewed(KNOWN, FOUND, ABOUT, {"cores": "2"}, counts_only=True)
    assert found["times"] == KNOWN["times"]
    assert found["counts"] == {**FOUND["counts"], "run": {"load": FOUND["load"], "date": "2026-01-02"}}
    assert "times" not in results.renewed({}, FOUND, ABOUT, {}, counts_only=True)


def test_a_run_on_a_quiet_machine_renews_both_with_its_machine_load_and_remark() -> None:
    found = results.renewed(KNOWN, FOUND, ABOUT, {"cores": "2"}, counts_only=False)
    assert found["counts"]["run"]["date"] == found["times"]["run"]["date"] == "2026-01-02"
    assert found["times"] == {"seconds": 9.0, "run": {"load": FOUND["load"], **ABOUT}, "machine": {"cores": "2"}}
    shown = page.page({"cases": {"small": found}})
    assert "| counted on | 2026-01-02 |" in shown
    assert "small pipelines: busy (2026-01-02)" in shown


@pytest.mark.skipif(not RESULTS.exists(), reason="there are no committed results")
def test_the_committed_page_is_what_the_committed_results_say() -> None:
    assert (ROOT / "docs/benchmarks-operator.md").read_text() == page.page(json.loads(RESULTS.read_text()))
