"""OpenLineage events and traces of the operator. Telemetry never stops the operator.

Invalid settings are logged once and counted by the metric `reelmill_telemetry_refused`; pipelines continue without
telemetry.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from reelmill.contract import log
from reelmill.contract.errors import SpecError
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.settings import OperatorSettings
from reelmill.openlineage.emitter import API_KEY, LineageEmitter
from reelmill.tracing.otlp import OtlpExport, at_base, endpoint_in

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Telemetry:
    """The exporters that are configured with valid settings."""

    def __init__(self, settings: OperatorSettings, environment: Mapping[str, str], metrics: Metrics) -> None:
        """`environment` contains the key of the OpenLineage server, and OpenTelemetry's variables."""
        self._metrics = metrics
        target = settings.openlineage
        endpoint = at_base(settings.traces_endpoint) or endpoint_in(environment)

        def emitter() -> LineageEmitter:
            key, namespace = environment.get(API_KEY, ""), settings.openlineage_namespace
            return LineageEmitter(target, namespace=namespace, api_key=key, counted=metrics.lineage_events)

        self.lineage = self._opened_or_none("openlineage", "OpenLineage events", emitter) if target else None
        self.traces = (
            self._opened_or_none("traces", "traces", lambda: OtlpExport(endpoint, _log_problem)) if endpoint else None
        )

    async def close(self) -> None:
        """Send what is queued, for some seconds at most."""
        for exporter in (self.traces, self.lineage):
            if exporter:
                await asyncio.to_thread(exporter.close)

    def _opened_or_none(self, kind: str, what: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except SpecError as error:
            self._metrics.telemetry_refused(kind)
            log.event(_log, f"no {what} are sent: {error}", level=logging.WARNING, hint=error.hint)
            return None


def _log_problem(problem: str) -> None:
    if problem:
        log.event(
            _log, f"spans cannot be sent: {problem}", level=logging.WARNING, hint="pipelines continue without them"
        )
    else:
        log.event(_log, "spans can be sent again", level=logging.WARNING)
