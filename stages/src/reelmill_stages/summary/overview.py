"""Overview of a pipeline at one moment, from commits alone."""

from reelmill.contract.commands.funnel import funnel
from reelmill.contract.commands.outcome import verdict
from reelmill.contract.commands.summary import DataSetOrigin, Moment, Overview
from reelmill.contract.records.usage import Usage
from reelmill.contract.task import SourceDef, StageDef
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.contract.text.redaction import redacted
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import ConsistentCut
from reelmill_stages.summary.passes import passes
from reelmill_stages.summary.rates import rate
from reelmill_stages.summary.status_rows import status_rows


def overview(store: Store, cut: ConsistentCut, definition: RunDefinition) -> Overview:
    """The overview of a pipeline."""
    rows = status_rows(store, cut)
    funnel_rows = funnel(rows)
    by_name = {name: passes(store, data) for name, data in cut.data.items()}
    all_passes = [each for found in by_name.values() for each in found]
    return Overview(
        pipeline=definition.name,
        store=without_secrets(store.uri),
        moment=Moment(
            segments=cut.segments,
            closed=max((each.closed for each in all_passes if each.closed is not None), default=None),
            state=cut.state,
        ),
        verdict=verdict(rows, cut.reads(), definition.tolerances),
        rows=rows,
        funnel=funnel_rows,
        passes=all_passes,
        rates=[
            rate(row, by_name[row.name], _usage(cut.data[row.name]), definition.hour_prices.get(row.name))
            for row in funnel_rows
        ],
        currency=definition.currency,
        origins=[_origin(store, entry, cut) for entry in cut.entries],
    )


def _usage(data: DataSet) -> Usage | None:
    """The usage of all passes, where it is recorded."""
    return data.last.total_usage if data.last else None


def _origin(store: Store, entry: SourceDef | StageDef, cut: ConsistentCut) -> DataSetOrigin:
    data = cut.data[entry.name]
    definition = entry.definition if isinstance(entry, StageDef) else {"source": entry.type, "params": entry.params}
    return DataSetOrigin(
        name=entry.name,
        kind="stage" if isinstance(entry, StageDef) else "source",
        type=entry.type,
        key=entry.key,
        uri=without_secrets(f"{store.uri.rstrip('/')}/{data.root}"),
        upstreams={each.name: each.key for each in entry.upstreams} if isinstance(entry, StageDef) else {},
        definition=redacted(dict(definition)),
        versions=dict(data.last.versions) if data.last else {},
    )
