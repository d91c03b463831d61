"""What a pipeline costs the API server, in requests: whoever adds one to every pipeline changes a number here."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import running, until
from control_plane.pipelines import Desk, Json, resource

pytestmark = pytest.mark.control_plane


def stages(shards: int) -> list[Json]:
    return [{"name": f"s{number}", "clip": {"by": "length"}, "shards": shards} for number in range(1, 6)]


@pytest.mark.parametrize(
    ("shards", "closes", "jobs", "reports"),
    [(2, True, 6, 6), (1, True, 6, 6), (2, False, 11, 16)],
    ids=["two-shards", "one-shard", "a-commit-step"],
)
def test_the_writes_and_reads_of_five_stages(
    desk: Desk, config: Path, defined: ControlPlane, *, shards: int, closes: bool, jobs: int, reports: int
) -> None:
    desk.kubelet.store.closes = closes
    # Progress is written at an interval, and pods are looked at some seconds after a start: both depend on the machine.
    began = datetime.now(UTC)
    with running(config, now=lambda: began, namespaces=(desk.namespace,), progress_seconds=3600) as one:
        desk.apply(resource(stages=stages(shards)))
        desk.wait_for("Complete", seconds=120)
        until(
            lambda: any(event["reason"] == "Complete" for event in desk.client.list("v1/Event", desk.namespace)),
            30,
            "the last event",
        )
        count = one.operator.metrics.registry.get_sample_value
        lists = count("reelmill_resyncs_total") or 0
        passes = count("workqueue_queue_duration_seconds_count", {"name": "videopipeline"}) or 0
    assert len(desk.kubelet.jobs) == jobs
    user = f"system:serviceaccount:{desk.namespace}:reelmill-operator"
    reads = Counter(f"{event['verb']} {event['objectRef']['resource']}" for event in defined.reads(user))
    assert set(reads) == {"list videopipelines", "list jobs", "list pods"}
    # A report is read once, and once more where there might have been one; the rest is for Jobs that start slowly.
    slow = reads["list pods"] - reports
    assert 0 <= slow <= jobs
    # Planned when it is created and when a Job ends; each list, and each Job that starts slowly, may add some.
    assert jobs + 1 <= passes <= jobs + 1 + 3 * (lists + slow)
    with running(config, now=lambda: datetime.now(UTC) + timedelta(hours=2), namespaces=(desk.namespace,)):
        until(lambda: not desk.jobs(), 60, "the Jobs to go")
    writes = [event for event in defined.audit(user) if event["responseStatus"]["code"] < 300]
    assert Counter(f"{event['verb']} {event['objectRef']['resource']}" for event in writes) == {
        "create jobs": jobs,
        "patch videopipelines": jobs + 1,
        "create events": 6,
        "deletecollection jobs": 1,
    }
