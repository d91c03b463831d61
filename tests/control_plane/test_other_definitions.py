"""An operator beside a CustomResourceDefinition of another release: said in a condition, and nothing is lost."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cluster.client import ApiError
from control_plane.operators import running, until
from control_plane.pipelines import KIND, Desk, holds, resource
from reelmill.schema import crd

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]


def earlier_release() -> Json:
    """A definition whose status does not know what was spent, as that of the first release."""
    definition = deepcopy(crd())
    del definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["spent"]
    return definition


def later_release() -> Json:
    """A definition with a field of the spec that this operator does not know."""
    definition = deepcopy(crd())
    fields = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields["later"] = {"type": "string"}
    return definition


@pytest.fixture
def define(desk: Desk) -> Iterator[Callable[[Json], None]]:
    """Puts a definition in force: pipelines are made by it from then on. In the end it is the present one again."""

    def put(definition: Json) -> None:
        desk.client.apply(definition)
        properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        knows_later = "later" in properties["spec"]["properties"]
        knows_spent = "spent" in properties["status"]["properties"]
        until(lambda: _in_force(desk, knows_later, knows_spent), 60, "the definition to be in force")

    yield put
    put(crd())


def _in_force(desk: Desk, knows_later: bool, knows_spent: bool) -> bool:
    """Whether the API server goes by it: it refuses unknown fields of a spec, and drops those of a status."""
    try:
        desk.client.create(resource("other", later="x"), desk.namespace, dry_run=True)
        accepted = True
    except ApiError:
        accepted = False
    desk.apply(resource("probe", suspend=True))
    spent = {"status": {"spent": {"podSeconds": 1}}}
    found = desk.client.patch(KIND, "probe", spent, desk.namespace, part="status")
    return (accepted, "spent" in found["status"]) == (knows_later, knows_spent)


def test_an_earlier_definition_is_named_with_what_it_drops_until_it_is_replaced(
    desk: Desk, config: Path, define: Callable[[Json], None]
) -> None:
    define(earlier_release())
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        found = desk.wait_for("Complete")
        until(lambda: holds(desk.get(), "OutdatedDefinition"), 60, "the condition")
        (outdated,) = [each for each in desk.get()["status"]["conditions"] if each["type"] == "OutdatedDefinition"]
        assert outdated["reason"] == "FieldsDropped"
        assert "drops status.spent" in outdated["message"]
        assert "apply the definition" in outdated["message"]
        done = {job["metadata"]["uid"] for job in desk.jobs()}
        define(crd())
        desk.edit({"spec": {"limits": {"maxActiveStages": 2}}})
        until(lambda: not holds(desk.get(), "OutdatedDefinition"), 60, "the condition to be cleared")
        assert found["metadata"]["uid"] == desk.get()["metadata"]["uid"]
        assert done == {job["metadata"]["uid"] for job in desk.jobs()}


def test_a_field_of_a_later_definition_is_refused_by_its_name_and_costs_nothing(
    desk: Desk, config: Path, define: Callable[[Json], None]
) -> None:
    define(later_release())
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete")
        done = {job["metadata"]["uid"] for job in desk.jobs()}
        desk.edit({"spec": {"later": "x"}})
        found = desk.wait_for("Stalled")
        (accepted,) = [each for each in found["status"]["conditions"] if each["type"] == "Accepted"]
        assert (accepted["status"], accepted["reason"]) == ("False", "SpecInvalid")
        assert "spec.later" in accepted["message"]
        assert done == {job["metadata"]["uid"] for job in desk.jobs()}
        desk.edit({"spec": {"later": None}})
        desk.wait_for("Complete")
        assert done == {job["metadata"]["uid"] for job in desk.jobs()}
