"""Export of spans by OTLP over HTTP, with OpenTelemetry's exporter, in a background thread.

If an endpoint does not answer, only spans are lost: they wait in a queue of bounded length, and the oldest are dropped.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reelmill import __version__
from reelmill.contract.errors import SpecError
from reelmill.contract.text.urls import without_secrets
from reelmill.tracing.spans import TraceSpan, span_message

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

BASE_ENV, TRACES_ENV = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
CLOSE_ENV = "OTEL_BSP_EXPORT_TIMEOUT"
CLOSE_SECONDS = 1.0
"""Maximum time in seconds that an ending process waits for its last spans, unless `CLOSE_ENV` says milliseconds."""


def endpoint_in(environment: Mapping[str, str]) -> str:
    """The endpoint for traces from OpenTelemetry's variables; empty: none."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return ""
    return environment.get(TRACES_ENV, "") or at_base(environment.get(BASE_ENV, ""))


def close_seconds(environment: Mapping[str, str]) -> float:
    """Maximum time in seconds that an ending process waits for its last spans."""
    milliseconds = environment.get(CLOSE_ENV, "")
    return int(milliseconds) / 1000 if milliseconds.isdecimal() else CLOSE_SECONDS


def at_base(base: str) -> str:
    """The endpoint for traces below a base URL, as defined by OpenTelemetry; empty for an empty URL."""
    return f"{base.rstrip('/')}/v1/traces" if base else ""


class OtlpExport:
    """Sends spans to an endpoint. Calls never block and never raise. Thread-safe.

    Headers, certificates and timeouts come from OpenTelemetry's variables (`OTEL_EXPORTER_OTLP_HEADERS`, …). `say` is
    called, in another thread, with the first of consecutive problems, and with an empty text when spans arrive again.
    Raises SpecError if the endpoint is invalid, if the packages are not installed, or if they reject a variable.
    """

    def __init__(self, endpoint: str, say: Callable[[str], None] = lambda _: None) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise SpecError(
                f"traces require the package {error.name}", hint="pip install 'reelmill[tracing]'"
            ) from error
        if not endpoint.startswith(("http://", "https://")):
            raise SpecError(
                f"traces cannot be sent to {span_message(without_secrets(endpoint))}",
                hint="give the address of an OTLP/HTTP collector, such as http://host:4318",
            )
        own = logging.getLogger("opentelemetry")  # problems of the endpoint are reported by `problem`
        own.addHandler(logging.NullHandler())
        own.propagate = False
        self.endpoint = without_secrets(endpoint)
        name = os.environ.get("OTEL_SERVICE_NAME") or "reelmill"
        self._resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__})
        self._state = _State(self.endpoint, say)
        try:
            self._exporter = _with_delivery_state(OTLPSpanExporter(endpoint=endpoint), self._state)
            self._processor = BatchSpanProcessor(self._exporter)
        except (RuntimeError, ValueError) as error:
            raise SpecError(
                f"OpenTelemetry refuses its settings: {span_message(str(error))}", hint="correct the variables OTEL_…"
            ) from error

    def __call__(self, span: TraceSpan) -> None:
        """Put a span into the queue."""
        self._processor.on_end(self._exported_span(span))

    @property
    def problem(self) -> str:
        """Why the last spans could not be sent; empty: they were sent, or are being sent."""
        return self._state.problem

    def close(self) -> str:
        """Send queued spans, for `close_seconds`, unless the endpoint failed; returns the problem, or empty."""
        ending = threading.Thread(target=self._processor.shutdown, daemon=True)
        ending.start()
        problem = self.problem
        if not problem:
            ending.join(close_seconds(os.environ))
            problem = f"{self.endpoint} does not answer" if ending.is_alive() else self.problem
        if ending.is_alive():
            self._state.mute()
            self._exporter.shutdown()  # prevents further attempts
        return problem

    def _exported_span(self, span: TraceSpan) -> "ReadableSpan":
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        def context(span_id: str) -> SpanContext:
            return SpanContext(
                int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
            )

        return ReadableSpan(
            name=span.name,
            context=context(span.span_id),
            parent=context(span.parent_id) if span.parent_id else None,
            resource=self._resource,
            attributes=dict(span.attributes),
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.OK),
            start_time=span.start,
            end_time=span.end,
        )


class _State:
    def __init__(self, endpoint: str, say: Callable[[str], None]) -> None:
        self.problem = ""
        self._endpoint, self._say = endpoint, say

    def mute(self) -> None:
        """Stop reporting problems."""
        self._say = lambda _: None

    def sent(self, *, arrived: bool) -> None:
        before, self.problem = self.problem, "" if arrived else f"{self._endpoint} rejects them"
        if before != self.problem:
            self._say(self.problem)


def _with_delivery_state(exporter: "SpanExporter", state: _State) -> "SpanExporter":
    """Wrap an exporter to record whether spans arrived."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Watched(SpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            result = SpanExportResult.FAILURE
            try:
                result = exporter.export(spans)
            finally:
                state.sent(arrived=result is SpanExportResult.SUCCESS)
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Watched()
