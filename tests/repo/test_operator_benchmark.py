"""The operator benchmark's arithmetic and page. What it measures is no test."""

import json

import pytest

from bench_operator import ours, page
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
    assert (load.jobs, load.pods) == (5, 9)
    small = Load(pipelines=1, stages=5, shards=1)
    assert SurveyReport.model_validate_json(small.messages()["survey"]).next[0].small
    assert (small.jobs, small.pods) == (6, 6)


@pytest.mark.skipif(not RESULTS.exists(), reason="there are no committed results")
def test_the_committed_page_is_what_the_committed_results_say() -> None:
    assert (ROOT / "docs/benchmarks-operator.md").read_text() == page.page(json.loads(RESULTS.read_text()))
