"""A survey's report where names and words do not fit a termination message: numbers in an order that both sides know.

Who writes it and who reads it have the same names: those of the task. They are sorted, so nothing but numbers has to
be told: 32 stages over 16 sources, each reading 16 others, stay under 4 KiB with numbers of any size that occurs. What
is left out is `reasons`, which is for people, and which planning knows to be incomplete.
"""

import base64
import json
import zlib
from collections.abc import Collection, Mapping

from reelmill.contract.segment import Counts
from reelmill.contract.task import OpenPass, SourceReport, StageReport, SurveyReport

Names = Mapping[str, Collection[str]]
"""Stage -> the names that it reads."""
_OUTCOMES = ("done", "filtered", "failed", "skipped")


def packed(report: SurveyReport, stages: Names) -> SurveyReport:
    """The same report in few bytes, without reasons. It tells of every stage of `stages`, and of every source."""
    sources = [
        [told.segments, told.items, told.failed, told.new, told.drifted] for _, told in sorted(report.sources.items())
    ]
    rows = [_row(report, name, upstreams) for name, upstreams in sorted(stages.items())]
    text = json.dumps([sources, rows], separators=(",", ":"))
    return SurveyReport(packed=base64.b85encode(zlib.compress(text.encode(), 9)).decode())


def unpacked(report: SurveyReport, sources: Collection[str], stages: Names) -> SurveyReport:
    """The report as it was before `packed`; one that was never packed comes back as it is.

    Raises ValueError where it tells of other sources and stages.
    """
    if not report.packed:
        return report
    try:
        told, rows = json.loads(zlib.decompress(base64.b85decode(report.packed)))
        found = dict(zip(sorted(sources), (_source(*row) for row in told), strict=True))
        read = [_stage(row, upstreams) for row, (_, upstreams) in zip(rows, sorted(stages.items()), strict=True)]
    except (ValueError, TypeError, IndexError, zlib.error) as error:
        raise ValueError(f"the packed report is not about these sources and stages: {error}") from error
    forecast = {name: bytes_ for name, (_, bytes_) in zip(sorted(stages), read, strict=True) if bytes_}
    return SurveyReport(
        sources=found,
        stages={name: stage for name, (stage, _) in zip(sorted(stages), read, strict=True)},
        forecast=forecast,
    )


def _row(report: SurveyReport, name: str, upstreams: Collection[str]) -> list[object]:
    told = report.stages.get(name, StageReport(segments=0))
    totals = told.totals.model_dump()
    return [
        told.segments,
        [told.coverage.get(upstream, 0) for upstream in sorted(upstreams)],
        [totals[outcome] for outcome in _OUTCOMES],
        told.items,
        told.retries,
        [told.open.segment, int(told.open.foreign)] if told.open else 0,
        told.view,
        report.forecast.get(name, 0),
    ]


def _source(segments: int, items: int, failed: int, new: int, drifted: int) -> SourceReport:
    return SourceReport(segments=segments, items=items, failed=failed, new=new, drifted=drifted)


def _stage(row: list[object], upstreams: Collection[str]) -> tuple[StageReport, int]:
    segments, coverage, outcomes, items, retries, opened, view, forecast = row
    assert isinstance(coverage, list)
    assert isinstance(outcomes, list)
    assert isinstance(forecast, int)
    covered = {name: last for name, last in zip(sorted(upstreams), coverage, strict=True) if last}
    counts = dict(zip(_OUTCOMES, outcomes, strict=True))
    return (
        StageReport.model_validate(
            {
                "segments": segments,
                "coverage": covered,
                "totals": Counts(in_=sum(outcomes), **counts),
                "items": items,
                "retries": retries,
                "open": OpenPass(segment=opened[0], foreign=bool(opened[1])) if isinstance(opened, list) else None,
                "view": view,
            }
        ),
        forecast,
    )
