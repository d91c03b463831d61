"""The operator takes pipelines to their end on a real API server, with its own rights and no other."""

from pathlib import Path

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import running, until
from control_plane.pipelines import Desk, resource, size, steps

pytestmark = pytest.mark.control_plane

RUN = sorted(["demo-survey-v", *(f"demo-{stage}-{step}" for stage in ("clips", "samples") for step in ("o", "s", "c"))])


def test_a_pipeline_becomes_complete_with_one_survey_and_three_jobs_a_stage(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        found = desk.wait_for("Complete")
        assert steps(desk.kubelet.jobs) == RUN
        assert found["metadata"].get("finalizers") is None
        assert not [name for name in found["metadata"].get("annotations") or {} if "kopf" in name]
        assert set(desk.kubelet.store.tried.values()) == {1}
        assert size(found) < 64 * 1024


def test_the_operator_writes_nothing_when_nothing_happens(desk: Desk, config: Path, defined: ControlPlane) -> None:
    user = f"system:serviceaccount:{desk.namespace}:reelmill-operator"
    with running(config, namespaces=(desk.namespace,), resync_seconds=1) as one:
        desk.apply(resource())
        desk.wait_for("Complete")
        until(lambda: all("ttlSecondsAfterFinished" in job["spec"] for job in desk.jobs()), 30, "ttls")
        lists = one.operator.metrics.resyncs._value

        def quiet() -> bool:
            # The last of a run's writes may come after its end is seen.
            written, listed = len(defined.audit(user)), lists.get()
            until(lambda: lists.get() >= listed + 3, 60, "three lists")
            return len(defined.audit(user)) == written

        until(quiet, 120, "three lists without a write")
    kinds = [(event["verb"], event["objectRef"]["resource"]) for event in defined.audit(user)]
    assert kinds.count(("create", "jobs")) == 7
    assert kinds.count(("patch", "videopipelines")) <= 4 * 7
