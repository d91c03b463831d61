"""OpenLineage events of the operator: the changes of each status that it wrote."""

from datetime import datetime
from typing import Any

from reelmill.contract.status import Status
from reelmill.openlineage.datasets import location
from reelmill.openlineage.described import DescribedPipeline, described
from reelmill.openlineage.emitter import LineageEmitter
from reelmill.openlineage.seen import seen
from reelmill.plan.jobs.tasks import Definition

Json = dict[str, Any]


class OperatorLineage:
    """Sends events about the pipelines of a cluster; without an emitter, none."""

    def __init__(self, emitter: LineageEmitter | None = None) -> None:
        self._emitter = emitter

    @property
    def wanted(self) -> bool:
        """Whether events are sent."""
        return self._emitter is not None

    def changed(self, resource: Json, definition: Definition | None, old: Status, new: Status, now: datetime) -> None:
        """Handle a written status of a resource. `definition` is None if the spec is invalid."""
        if self._emitter is not None and old != new:
            status = new if new.store else old
            self._emitter.tell(seen(lambda: _pipeline(resource, definition, status), old, new, now))

    def gone(self, resource: Json, old: Status, now: datetime) -> None:
        """Handle a resource that is or will be deleted, with its last status."""
        self.changed(resource, None, old, Status(), now)


def _pipeline(resource: Json, definition: Definition | None, status: Status) -> DescribedPipeline:
    metadata = resource["metadata"]
    job, uid = f"{metadata['namespace']}.{metadata['name']}", metadata["uid"]
    if definition is None:
        return DescribedPipeline(job, uid, location(status.store), {}, {})
    return described(definition.pipeline, definition.graph, job, uid)
