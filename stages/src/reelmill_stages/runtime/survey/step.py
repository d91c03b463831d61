"""The survey step: check the store, list the sources, and report the state of all sources and stages."""

import logging

from reelmill.contract.counters import REPORTS_ENV, USAGE, reported
from reelmill.contract.log import event
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Pass
from reelmill.contract.records.usage import Usage, sum_of_usages
from reelmill.contract.task import OpenPass, StageDef, StageReport, SurveyReport
from reelmill.processes.forked import template_in_use
from reelmill.processes.step_template import preload_stages
from reelmill_stages.records import heartbeat
from reelmill_stages.records.claims import claim, point_latest
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import check_pins
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.forget.tombstones import refuse_while_forgetting
from reelmill_stages.runtime.pass_usage import open_usage
from reelmill_stages.runtime.survey.definition import keep_definition
from reelmill_stages.runtime.survey.forecast import forecast, waiting_inputs
from reelmill_stages.runtime.survey.server_checks import check_servers
from reelmill_stages.runtime.survey.source_listing import list_source, source_report
from reelmill_stages.runtime.top_reasons import most_frequent
from reelmill_stages.sources.objects.own_store import refuse_own_store
from reelmill_stages.store.locations import Locations
from reelmill_stages.store.preflight import check_servers_respond
from reelmill_stages.store.probe import probe

log = logging.getLogger(__name__)


def survey(context: StepContext) -> SurveyReport:
    """Check the store, list the sources, and return the report.

    Raises StoreError or StoreUnsafe for a store that cannot be used, and SpecError for a source that cannot be listed,
    a parameter's file that differs from the one that its stage started with, or a server that a stage cannot use.
    """
    task, store = context.task, context.store
    refuse_own_store(task.store, task.sources)
    check_servers_respond(task, context.env, sources=task.refresh)
    probe(store)
    check_pins(Locations(task.store, task.sources, context.env), task.stages, remember=True)
    sources = {}
    now = 0.0
    for source in task.sources:
        refuse_while_forgetting(store, source.name)
        names = DataSetPaths(source.name, source.key)
        now = claim(store, names, task.owner)
        point_latest(store, names)
        sources[source.name] = list_source(context, source) if task.refresh else source_report(context, source)
        event(log, "source", source=source.name, **sources[source.name].model_dump())
    stages = {stage.name: _stage(context, stage, now) for stage in task.stages}
    keep_definition(context)
    waiting = waiting_inputs(context)
    if (template := template_in_use()) and (types := [stage.type for stage in task.stages if waiting[stage.name][0]]):
        preload_stages(template, types, context.env)  # while this process does the same for its forecast
    check_servers(task.stages, waiting)
    return SurveyReport(sources=sources, stages=stages, forecast=forecast(context, waiting))


def _stage(context: StepContext, stage: StageDef, now: float) -> StageReport:
    data = context.data_set(stage.name, stage.key)
    last = data.last
    if last is not None:
        claim(context.store, data.names, context.task.owner)
        point_latest(context.store, data.names)
    report = StageReport(
        segments=last.segment if last else 0,
        coverage=data.coverage,
        totals=data.totals,
        items=data.item_count,
        reasons=most_frequent(last.reasons) if last else {},
        counters=reported(last.counters) if last else {},
        usage=_usage(context, data) if USAGE in context.env.get(REPORTS_ENV, "").split(",") else None,
        retries=_retries(data),
        open=_open_pass(context, data, now),
        view=_view(data),
    )
    event(log, "stage", stage=stage.name, segments=report.segments, items=report.items)
    return report


def _usage(context: StepContext, data: DataSet) -> Usage | None:
    """The usage of the stage, including an open pass, for which the commits of its shards are read."""
    number = data.last.segment + 1 if data.last else 1
    return sum_of_usages([data.last.total_usage if data.last else None, open_usage(context.store, data.paths(number))])


def _retries(data: DataSet) -> int:
    """Number of committed retry passes since the last committed cover pass."""
    count = 0
    for segment in data.segments_backwards():
        if segment.kind != "retry":
            break
        count += 1
    return count


def _open_pass(context: StepContext, data: DataSet, now: float) -> OpenPass | None:
    number = data.last.segment + 1 if data.last else 1
    paths = data.paths(number)
    opened = load(context.store, paths.pass_json, Pass)
    if opened is None:
        return None
    foreign = heartbeat.is_foreign(context.store, paths, opened, context.task.owner.uid, now)
    return OpenPass(segment=number, foreign=foreign)


def _view(data: DataSet) -> str:
    """Fingerprint of the parameters of the views; empty if they are older than the last segment."""
    record = data.record()
    return record.view if record and data.last and record.segment == data.last.segment else ""
