"""What steps are told of the report of a run: the survey alone, and only where reports are wanted."""

from collections.abc import Sequence
from typing import Any

import pytest

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.spending import Prices
from reelmill.contract.task import Step
from reelmill.contract.task_parts.run_report import ENV, MOST_BYTES, RunDefinition
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys
from reelmill.plan.jobs.pod import pod_spec, pods10
from reelmill.plan.jobs.tasks import Definition, removal_task, survey_task
from reelmill.plan.settings import PlannerSettings
from simulated_cluster import pipeline

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "failures": {"tolerate": "7%"}}
WANTED = PlannerSettings(run_reports=True, prices=Prices(cpu_hour=0.5, currency="EUR"))


def definition_of(whole: VideoPipeline) -> Definition:
    graph = resolve(whole.spec)
    return Definition(whole, "uid-1", graph, keys(whole.spec, graph))


def report_variable(
    settings: PlannerSettings, step: Step = Step.SURVEY, stages: Sequence[Any] = (CLIPS,), **spec: Any
) -> str | None:
    """The variable of a step."""
    definition = definition_of(pipeline(list(stages), **spec))
    task = removal_task(definition, run=1) if step is Step.REMOVE else survey_task(definition, run=1, listing=True)
    (container,) = pod_spec(definition, settings, task)["containers"]
    return {one["name"]: one.get("value") for one in container["env"]}.get(ENV)


def test_the_survey_knows_the_resource_its_tolerances_and_what_an_hour_costs() -> None:
    text = report_variable(WANTED)
    assert text
    found = RunDefinition.model_validate_json(text)
    assert found.tolerances == {"clips": "7%"}
    assert (found.hour_prices, found.currency) == ({"clips": 0.5}, "EUR")
    assert found.document["spec"]["stages"][0]["failures"] == {"tolerate": "7%"}


def test_values_of_variables_do_not_get_into_the_store() -> None:
    env = [{"name": "HF_TOKEN", "value": "hf_secret"}, {"name": "KEY", "secretRef": {"name": "keys"}}]
    text = report_variable(WANTED, stages=[{**CLIPS, "env": env}], defaults={"env": env})
    assert text
    assert "hf_secret" not in text
    shown = [{"name": "HF_TOKEN", "value": "[removed]"}, env[1]]
    spec = RunDefinition.model_validate_json(text).document["spec"]
    assert spec["defaults"]["env"] == spec["stages"][0]["env"] == shown


@pytest.mark.parametrize(("settings", "step"), [(PlannerSettings(), Step.SURVEY), (WANTED, Step.REMOVE)])
def test_nobody_else_does(settings: PlannerSettings, step: Step) -> None:
    assert report_variable(settings, step) is None


def test_a_resource_that_no_variable_holds_is_left_out() -> None:
    text = report_variable(WANTED, defaults={"affinity": {"podAffinity": "x" * MOST_BYTES}})
    assert text
    assert len(text) < MOST_BYTES
    found = RunDefinition.model_validate_json(text)
    assert (found.tolerances["clips"], found.document) == ("7%", {})


def test_pods_are_the_same_with_and_without_reports() -> None:
    definition = definition_of(pipeline([CLIPS]))
    assert pods10(definition, WANTED, "clips") == pods10(definition, PlannerSettings(), "clips")
