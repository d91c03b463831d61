"""A compact form of a survey report that does not fit into a termination message (4 KiB).

Writer and reader get the names of sources and stages from the task, so the compact form contains only numbers, in the
order of the sorted names, as JSON compressed with zlib and encoded in base85. 32 stages over 16 sources, each reading
16 inputs, fit into 4 KiB. It omits `reasons` and `counters`, which are informational, and `next`, without which a run
only takes more steps.
"""

import base64
import json
import zlib
from collections.abc import Collection, Mapping

from reelmill.contract.records.segment import Counts
from reelmill.contract.task import OpenPass, SourceReport, StageReport, SurveyReport

Names = Mapping[str, Collection[str]]
"""Stage -> the names of its inputs."""
MAX_BYTES = 1 << 20
"""Maximum length of a report's JSON in bytes; 32 stages over 16 sources stay below it."""
_OUTCOMES = ("done", "filtered", "failed", "skipped")


def packed(report: SurveyReport, stages: Names) -> SurveyReport:
    """The compact form of a report, for all stages in `stages` and all sources of the report."""
    sources = [
        [source.segments, source.items, source.failed, source.new, source.drifted, source.hidden]
        for _, source in sorted(report.sources.items())
    ]
    rows = [_row(report, name, upstreams) for name, upstreams in sorted(stages.items())]
    text = json.dumps([sources, rows], separators=(",", ":"))
    return SurveyReport(packed=base64.b85encode(zlib.compress(text.encode(), 9)).decode())


def unpacked(report: SurveyReport, sources: Collection[str], stages: Names) -> SurveyReport:
    """The inverse of `packed`; a report that is not packed is returned unchanged.

    Raises ValueError if the report does not belong to these sources and stages.
    """
    if not report.packed:
        return report
    try:
        data = base64.b85decode(report.packed)
        packed_sources, rows = json.loads(zlib.decompressobj().decompress(data, MAX_BYTES))
        found = dict(zip(sorted(sources), (_source(*row) for row in packed_sources), strict=True))
        read = [_stage(row, upstreams) for row, (_, upstreams) in zip(rows, sorted(stages.items()), strict=True)]
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError, zlib.error) as error:
        raise ValueError(f"the packed report is not about these sources and stages: {error}") from error
    forecast = {name: bytes_ for name, (_, bytes_) in zip(sorted(stages), read, strict=True) if bytes_}
    return SurveyReport(
        sources=found,
        stages={name: stage for name, (stage, _) in zip(sorted(stages), read, strict=True)},
        forecast=forecast,
        next=report.next,
    )


def _row(report: SurveyReport, name: str, upstreams: Collection[str]) -> list[object]:
    stage = report.stages.get(name, StageReport(segments=0))
    totals = stage.totals.model_dump()
    return [
        stage.segments,
        [stage.coverage.get(upstream, 0) for upstream in sorted(upstreams)],
        [totals[outcome] for outcome in _OUTCOMES],
        stage.items,
        stage.retries,
        [stage.open.segment, int(stage.open.foreign)] if stage.open else 0,
        stage.view,
        report.forecast.get(name, 0),
    ]


def _source(segments: int, items: int, failed: int, new: int, drifted: int, hidden: int = 0) -> SourceReport:
    return SourceReport(segments=segments, items=items, failed=failed, new=new, drifted=drifted, hidden=hidden)


def _stage(row: list[object], upstreams: Collection[str]) -> tuple[StageReport, int]:
    segments, coverage, outcomes, items, retries, opened, view, forecast = row
    if not (isinstance(coverage, list) and isinstance(outcomes, list) and isinstance(forecast, int)):
        raise TypeError("a row of a stage has another form")
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
