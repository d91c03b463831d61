"""Resources that an earlier release accepted and this one refuses are told so, are mended by an edit, and can go."""

from pathlib import Path
from typing import Any

import pytest

from cluster.client import ApiError
from control_plane.operators import running, until
from control_plane.pipelines import KIND, Desk, holds, resource
from reelmill.plan.deletion import FINALIZER
from reelmill.schema import crd, rules

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]
DEFINITION = "apiextensions.k8s.io/v1/CustomResourceDefinition"
ENV = {"defaults": {"env": [{"name": "REELMILL_TASK", "value": "{}"}], "nodeSelector": {"a": "b"}}}


def earlier() -> Json:
    """The definition without the rule about variables."""
    definition = crd()
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    for place in (spec["defaults"], spec["stages"]["items"]):
        variable = place["properties"]["env"]["items"]
        assert variable.pop("x-kubernetes-validations") == rules.ENV_VAR
    return definition


@pytest.fixture
def old(desk: Desk) -> None:
    """While the definition is the earlier one, a pipeline is made that is refused afterwards."""
    refused = resource("other", **ENV)
    desk.client.apply(earlier())
    try:
        until(lambda: _accepted(desk, refused), 30, "the earlier definition to be in force")
        desk.apply(resource(onDelete="Delete", **ENV))
    finally:
        desk.client.apply(crd())
    until(lambda: not _accepted(desk, refused), 30, "the definition to be in force")


def _accepted(desk: Desk, document: Json) -> bool:
    try:
        desk.client.create(document, desk.namespace, dry_run=True)
    except ApiError:
        return False
    return True


@pytest.mark.usefixtures("old")
def test_a_variable_that_is_refused_now_is_reported_and_fixed_by_an_edit(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        found = desk.wait_for("Stalled")
        (accepted,) = [each for each in found["status"]["conditions"] if each["type"] == "Accepted"]
        assert (accepted["status"], accepted["reason"]) == ("False", "SpecInvalid")
        assert "REELMILL_TASK is reserved for reelmill" in accepted["message"]
        assert not desk.jobs()
        desk.edit({"metadata": {"labels": {"a": "b"}}})  # what does not touch it is still accepted
        desk.apply(resource(onDelete="Delete"))
        found = desk.wait_for("Complete")
        assert not holds(found, "Stalled")


@pytest.mark.usefixtures("old")
def test_it_can_be_deleted_with_its_data_all_the_same(desk: Desk, config: Path) -> None:
    desk.edit({"metadata": {"finalizers": [FINALIZER]}})
    with running(config, namespaces=(desk.namespace,)):
        desk.wait_for("Stalled")
        desk.edit({"spec": {"defaults": {"nodeSelector": resource()["spec"]["defaults"]["nodeSelector"]}}})
        desk.client.json("DELETE", desk.client.path(KIND, desk.namespace, "demo"), {"propagationPolicy": "Background"})
        until(lambda: desk.client.find(KIND, "demo", desk.namespace) is None, 60, "the resource to go")
    assert [name.split("-")[1] for name in desk.kubelet.jobs] == ["remove"]
