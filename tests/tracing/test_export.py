"""The export of spans: what is said of an endpoint, and of settings that OpenTelemetry refuses."""

import time

import pytest

from reelmill.contract.errors import SpecError
from reelmill.tracing.otlp import OtlpExport
from reelmill.tracing.spans import TraceSpan
from servers.processes import free_ports

SPAN = TraceSpan("run demo", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1, 2)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OTEL_BSP_SCHEDULE_DELAY": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}.items():
        monkeypatch.setenv(name, value)


def test_an_endpoint_that_takes_no_spans_is_told_once_and_without_credentials() -> None:
    said: list[str] = []
    export = OtlpExport(f"http://me:canary@127.0.0.1:{free_ports(1)[0]}/v1/traces", said.append)
    for _ in range(2):
        export(SPAN)
        deadline = time.monotonic() + 120
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
    export.close()
    assert len(said) == 1
    assert said[0].startswith("http://127.0.0.1:")


def test_an_exporter_that_raises_is_a_problem_and_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem")
    said: list[str] = []
    export = OtlpExport(f"https://127.0.0.1:{free_ports(1)[0]}/v1/traces", said.append)
    export(SPAN)
    assert export.close()
    assert len(said) <= 1


@pytest.mark.parametrize("name", ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"])
def test_settings_that_are_refused_are_an_error_that_names_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(SpecError, match="refuses its settings") as raised:
        OtlpExport("http://127.0.0.1:1/v1/traces")
    assert "OTEL_" in raised.value.hint
