"""The row of a pipeline in the list of pipelines, from the states of its data sets."""

from collections.abc import Mapping

from reelmill.contract.commands.dashboard import PipelineRow
from reelmill_stages.dashboard.discovery.data_set_state import DataSetState, pipeline_state


def pipeline_row(
    namespace: str, name: str, store: str, data_sets: list[DataSetState], tolerances: Mapping[str, str | None]
) -> PipelineRow:
    """Return the row of one pipeline; `tolerances` maps stages to `failures.tolerate`."""
    state, note = pipeline_state(data_sets, tolerances)
    opened = [each.opened for each in data_sets if each.opened]
    read = {name for each in data_sets for name in each.upstreams}
    changed = max((each.changed for each in data_sets), default=0.0)
    return PipelineRow(
        namespace=namespace,
        name=name,
        state=state,
        note=note,
        active=", ".join(each.name for each in data_sets if each.is_worked_on),
        done=sum(each.committed for each in opened),
        shards=sum(each.shards for each in opened),
        items=sum(each.items for each in data_sets if each.name not in read and not each.is_source),
        failed=sum(each.totals.failed for each in data_sets),
        changed=changed or None,
        store=store,
    )
