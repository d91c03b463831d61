"""A survey's report fits a termination message whatever the pipeline, and says what it said."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.compact_report import MAX_BYTES, packed, unpacked
from reelmill.contract.digest import canonical, fingerprint
from reelmill.contract.records.segment import Counts
from reelmill.contract.task import OpenPass, SourceReport, StageReport, SurveyReport

OUTCOMES = ("done", "filtered", "failed", "skipped")
COUNTS = st.integers(0, 2**40)
SOURCES = [f"source-with-a-rather-long-name-{number:02d}" for number in range(16)]
STAGES = [f"stage-with-a-name-as-long-as-can-be-{number:03d}" for number in range(32)]
UPSTREAMS = {name: [*SOURCES, *STAGES[:number]][-16:] for number, name in enumerate(STAGES)}


@st.composite
def reports(draw: st.DrawFn) -> SurveyReport:
    """Of any subset of the sources and stages."""
    sources = {
        name: SourceReport(segments=draw(COUNTS), items=draw(COUNTS), new=draw(COUNTS), drifted=draw(st.integers(0, 9)))
        for name in draw(st.sets(st.sampled_from(SOURCES), min_size=1))
    }
    stages = {}
    for name in draw(st.sets(st.sampled_from(STAGES), min_size=1, max_size=5)):
        done, filtered, failed, skipped = (draw(COUNTS) for _ in range(4))
        read = draw(st.sets(st.sampled_from(UPSTREAMS[name]), max_size=4))
        stages[name] = StageReport(
            segments=draw(COUNTS),
            coverage={upstream: draw(st.integers(1, 2**20)) for upstream in read},
            totals=Counts(
                in_=done + filtered + failed + skipped, done=done, filtered=filtered, failed=failed, skipped=skipped
            ),
            items=draw(COUNTS),
            retries=draw(st.none() | st.integers(0, 9)),
            open=draw(st.none() | st.builds(OpenPass, segment=st.integers(1, 99), foreign=st.booleans())),
            view=draw(st.sampled_from(["", "0123456789"])),
        )
    forecast = {name: draw(st.integers(1, 2**50)) for name in draw(st.sets(st.sampled_from(sorted(stages))))}
    return SurveyReport(sources=sources, stages=stages, forecast=forecast)


@given(reports())
def test_a_packed_report_reads_back_as_it_was(report: SurveyReport) -> None:
    names = {name: UPSTREAMS[name] for name in report.stages}
    assert unpacked(packed(report, names), report.sources, names) == report


def test_the_largest_pipeline_fits_a_termination_message() -> None:
    def number(*words: object) -> int:
        # Numbers that cannot be compressed: up to a billion items, a petabyte.
        return int(fingerprint(list(words))[:12], 16)

    counts = {stage: [number(stage, outcome) % 10**9 for outcome in OUTCOMES] for stage in STAGES}
    report = SurveyReport(
        sources={
            name: SourceReport(
                segments=number(name) % 10**4, items=number(name, 1) % 10**9, failed=number(name, 2) % 10**6,
                new=number(name, 3) % 10**6, drifted=number(name, 4) % 10**4,
            )
            for name in SOURCES
        },
        stages={
            name: StageReport(
                segments=number(name, "s") % 10**4,
                coverage={upstream: 1 + number(name, upstream) % 10**3 for upstream in UPSTREAMS[name]},
                totals=Counts(in_=sum(counts[name]), **dict(zip(OUTCOMES, counts[name], strict=True))),
                items=number(name, "i") % 10**9,
                reasons={f"failed:class_{n}": number(name, n) % 10**6 for n in range(5)},
                retries=number(name, "r") % 3,
                view=fingerprint(name)[:10],
            )
            for name in STAGES
        },
        forecast={name: number(name, "f") % 10**15 for name in STAGES},
    )  # fmt: skip
    packed_report = packed(report, UPSTREAMS)
    data = canonical({"step": "survey", **packed_report.model_dump(mode="json", by_alias=True, exclude_defaults=True)})
    assert len(data) <= 4096
    again = unpacked(packed_report, SOURCES, UPSTREAMS)
    assert again.forecast == report.forecast
    assert again.stages[STAGES[-1]].coverage == report.stages[STAGES[-1]].coverage


def test_a_report_about_other_stages_is_refused_and_one_that_is_not_packed_passes() -> None:
    report = SurveyReport(sources={"raw": SourceReport(segments=1, items=2)}, stages={"a": StageReport(segments=1)})
    with pytest.raises(ValueError, match="not about these sources and stages"):
        unpacked(packed(report, {"a": ["raw"]}), ["raw"], {"a": ["raw"], "b": ["a"]})
    with pytest.raises(ValueError, match="not about these sources and stages"):
        unpacked(SurveyReport(packed="nonsense"), ["raw"], {"a": ["raw"]})
    assert unpacked(report, ["raw"], {"a": ["raw"]}) is report


@pytest.mark.parametrize(
    "text",
    [
        b"[[],[[1,{},[0,0,0,0],0,0,0,null,0]]]",
        b"[[],[[1,[0],[0,0,0,0],0,0,[],null,0]]]",
        b"[[],[1]]",
        b"[" * 10_000,
        b" " * (MAX_BYTES + 1) + b"[[],[]]",
        b"[[],[[1e400,[0],[0,0,0,0],0,0,0,null,0]]]",
    ],
)
def test_a_packed_report_of_another_form_is_refused(text: bytes) -> None:
    report = SurveyReport(packed=base64.b85encode(zlib.compress(text)).decode())
    with pytest.raises(ValueError, match="not about these sources and stages"):
        unpacked(report, [], {"a": ["raw"]})
