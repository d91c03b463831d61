"""State that the operator keeps for each pipeline in addition to the cache."""

from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.status import Status
from reelmill.controller.observe.diagnose import Diagnosis
from reelmill.controller.observe.pod_checks import Looks
from reelmill.controller.observe.snapshots import ReadSpec, read_spec, read_status
from reelmill.controller.state.relabel_pace import RelabelPace

Json = dict[str, Any]


@dataclass(slots=True)
class PipelineMemory:
    """State of one pipeline in addition to the cache; it may be lost at any time."""

    uid: str
    relabel_pace: RelabelPace
    spec: ReadSpec | None = None
    """The last parsed spec."""
    status: tuple[Json, Status] | None = None
    """The last status as JSON, and as read or written, including fields that the API server did not keep."""
    reports: dict[str, str] = field(default_factory=dict)
    """UID of a finished Job -> its report."""
    looks: Looks = field(default_factory=Looks)
    refused: dict[str, Diagnosis] = field(default_factory=dict)
    """Name of a Job -> why it could not be created."""
    faults: set[str] = field(default_factory=set)
    """Names of Jobs whose last creation ended with a fault of the server."""
    observed: set[str] = field(default_factory=set)
    """Names of Jobs that were observed, possibly not yet recorded in the status."""
    dropped: tuple[str, ...] = ()
    """Fields of the last written status that the API server did not keep."""
    written: float = float("-inf")

    def spec_of(self, pipeline: Json) -> ReadSpec:
        """The spec of a resource, which is parsed again only if it has changed."""
        if self.spec is None or self.spec.raw != (pipeline.get("spec") or {}):
            self.spec = read_spec(pipeline)
        return self.spec

    def status_of(self, pipeline: Json) -> Status:
        """The status of a resource, which is parsed again only if it has changed."""
        raw = pipeline.get("status") or {}
        known = self.status
        self.status = raw, known[1] if known and known[0] == raw else read_status(pipeline)
        return self.status[1]
