"""An operator sends the trace of a run to a real OpenTelemetry collector; one that is gone costs nothing."""

from pathlib import Path

import pytest

from control_plane.operators import running, until
from control_plane.pipelines import Desk, resource
from reelmill.contract.process.trace_context import ENV, TraceContext
from reelmill.plan.jobs.build import TRACE
from servers.processes import free_ports
from tracing.received import collector, logged

pytestmark = pytest.mark.control_plane


def test_a_run_is_one_trace_in_a_real_collector(desk: Desk, config: Path, tmp_path: Path) -> None:
    with collector(tmp_path) as (address, log):
        with running(config, namespaces=(desk.namespace,), traces_endpoint=address):
            desk.apply(resource())
            desk.wait_for("Complete")
            until(lambda: any(span.name == "run demo" for span in logged(log)), 30, "the trace")
        spans = logged(log)
    (root,) = [span for span in spans if not span.parent_id]
    assert root.name == "run demo"
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert {span.parent_id for span in spans if span.parent_id} <= {span.span_id for span in spans}
    assert len({span.span_id for span in spans}) == len(spans)
    names = {span.name for span in spans}
    assert {"survey", "clips 1"} <= names
    for job in desk.jobs():
        (container,) = job["spec"]["template"]["spec"]["containers"]
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        context = TraceContext.read({ENV: given[ENV]})
        assert context is not None
        assert str(context) == job["metadata"]["annotations"][TRACE]
        assert (context.trace_id, context.span_id) in {(span.trace_id, span.span_id) for span in spans}


def test_without_a_collector_a_run_is_complete(desk: Desk, config: Path) -> None:
    (port,) = free_ports(1)
    with running(config, namespaces=(desk.namespace,), traces_endpoint=f"http://127.0.0.1:{port}"):
        desk.apply(resource())
        desk.wait_for("Complete")
    assert desk.status().stages[0].segments == 1
