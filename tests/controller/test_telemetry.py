"""Settings of telemetry that cannot be used are told in the log and the metrics, and the operator works on."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.settings import read
from reelmill.controller.telemetry import Telemetry

BAD = {
    "openlineage": ["http://me:canary@host:5000", "kafka://host/topic", "http://host?key=canary"],
    "traces_endpoint": ["otel-collector:4318", "ftp://me:canary@host.example/"],
}
KINDS = ("openlineage", "traces")


@pytest.fixture
def telemetry_log() -> Iterator[list[str]]:
    """What is logged about telemetry."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("reelmill.controller.telemetry"), Collect()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_setting_that_cannot_be_used_is_reported_once_and_stops_nothing(
    setting: str, value: str, telemetry_log: list[str]
) -> None:
    metrics, of = Metrics(), setting.removesuffix("_endpoint")
    found = Telemetry(read(**{setting: value}), {}, metrics)
    asyncio.run(found.close())
    assert (found.lineage, found.traces) == (None, None)
    (line,) = telemetry_log
    assert line.count("are sent") == 1
    assert "canary" not in line
    refused = {one: metrics.registry.get_sample_value("reelmill_telemetry_refused", {"of": one}) for one in KINDS}
    assert refused == {one: float(one == of) for one in KINDS}


@pytest.mark.parametrize("endpoint", ["otel-collector:4318", "ftp://me:canary@host.example/"])
def test_variables_of_opentelemetry_are_held_to_the_same_rule(endpoint: str, telemetry_log: list[str]) -> None:
    found = Telemetry(read(), {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, Metrics())
    assert found.traces is None
    (line,) = telemetry_log
    assert line.startswith("no traces are sent")
    assert "canary" not in line


def test_nothing_is_said_where_nothing_is_wanted(telemetry_log: list[str]) -> None:
    found = Telemetry(read(), {}, Metrics())
    assert (found.lineage, found.traces) == (None, None)
    assert not telemetry_log
