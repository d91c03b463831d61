"""An observer of a run that sends OpenLineage events and passes everything on to another observer."""

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.status import Status
from reelmill.local.observer import Observer
from reelmill.openlineage.described import described
from reelmill.openlineage.emitter import LineageEmitter
from reelmill.openlineage.seen import seen
from reelmill.plan import Event
from reelmill.plan.definition.graph import resolve


class LineageObserver:
    """See `Observer`. Call `stopped` when the run has ended for any reason."""

    def __init__(self, observer: Observer, emitter: LineageEmitter, pipeline: VideoPipeline) -> None:
        """Raises SpecErrors for an invalid spec."""
        self._observer, self._emitter = observer, emitter
        name = pipeline.metadata.name
        # Two runs of a pipeline may begin in the same second, so each is a separate instance.
        self._pipeline = described(pipeline, resolve(pipeline.spec), name, uuid.uuid4().hex, os.path.abspath)
        self._last = Status()

    def status(self, status: Status) -> None:
        self._send_changes(status)
        self._observer.status(status)

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        self._observer.progress(stage, fields)

    def log(self, record: Mapping[str, Any]) -> None:
        self._observer.log(record)

    def event(self, event: Event) -> None:
        self._observer.event(event)

    def stopped(self) -> None:
        """Send the end of everything that was interrupted."""
        self._send_changes(Status())

    def _send_changes(self, status: Status) -> None:
        self._emitter.tell(seen(lambda: self._pipeline, self._last, status, datetime.now(UTC)))
        self._last = status
