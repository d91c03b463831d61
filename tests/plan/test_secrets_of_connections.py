"""A step knows which of its connections have a Secret, and its pod gets the keys of every server that one is for."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.task import ENV, Step, Task
from reelmill.contract.task_parts.connection_secrets import ENV as SECRETS
from reelmill.contract.task_parts.connection_secrets import of_this_machine
from reelmill.plan.credentials import refused_variables
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys
from reelmill.plan.jobs.pod import pod_spec
from reelmill.plan.jobs.tasks import Definition, survey_task
from reelmill.plan.settings import PlannerSettings
from reelmill_stages.runtime.step import read_task
from simulated_cluster import pipeline

CLIPS = {"name": "clips", "clip": {}, "from": ["raw"]}


def planned(
    source: dict[str, Any], *, store: str = "", env: Sequence[dict[str, Any]] = ()
) -> tuple[Task, list[dict[str, Any]]]:
    """The task of a survey, and the variables of its pod."""
    made: VideoPipeline = pipeline(
        [CLIPS],
        defaults={"env": list(env)},
        store={"uri": "s3://out", **({"secretRef": {"name": store}} if store else {})},
        sources=[{"name": "raw", **source}],
    )
    graph = resolve(made.spec)
    definition = Definition(made, "uid-1", graph, keys(made.spec, graph))
    task = survey_task(definition, run=1, listing=True)
    assert list(refused_variables(made.spec)) == []
    (container,) = pod_spec(definition, PlannerSettings(), task)["containers"]
    return task, container["env"]


def values(env: list[dict[str, Any]]) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in env}


FILES = {"files": {"uri": "s3://in/"}}
WITH_SECRET = {**FILES, "s3": {"secretRef": {"name": "raw-keys"}}}


def test_a_step_learns_which_connections_have_a_secret() -> None:
    task, env = planned(WITH_SECRET, store="store-keys")
    assert "raw-keys" not in values(env)[ENV]
    read = read_task(values(env))
    assert read.step is Step.SURVEY
    (source,) = read.sources
    assert source.connection
    assert (read.store.connection.secret, source.connection.secret) == ("store-keys", "raw-keys")
    (source,) = task.sources
    assert source.connection
    assert source.connection.secret == "raw-keys"


def test_on_one_machine_only_the_secrets_of_sources_count() -> None:
    _, env = planned(WITH_SECRET, store="store-keys")
    assert json.loads(of_this_machine(values(env)[SECRETS])) == {"RAW_": "raw-keys"}


@pytest.mark.parametrize("source", [FILES, {**FILES, "s3": {"endpoint": "http://other:9000"}}])
def test_a_source_without_a_secret_may_use_the_identity_of_the_pod(source: dict[str, Any]) -> None:
    assert SECRETS not in values(planned(source)[1])
    _, env = planned(source, store="store-keys")
    (read,) = read_task(values(env)).sources
    assert not read.connection or not read.connection.secret


@pytest.mark.parametrize(
    ("block", "needed", "optional"),
    [
        ({"files": {"uri": "s3://in/"}}, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], ["AWS_SESSION_TOKEN"]),
        (
            {"pairs": {"uri": "s3://in/p.json", "clips": "az://in/"}},
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            ["AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"],
        ),
        (
            {"table": {"uri": "https://lists.example/videos.csv", "base": "gs://in/"}},
            ["GOOGLE_SERVICE_ACCOUNT_KEY"],
            [],
        ),
    ],
)
def test_a_secret_gives_the_keys_of_every_server_that_a_source_names(
    block: dict[str, Any], needed: list[str], optional: list[str]
) -> None:
    _, env = planned({**block, "s3": {"secretRef": {"name": "raw-keys"}}})
    references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in env if "valueFrom" in each}
    assert all(each["name"] == "raw-keys" for each in references.values())
    assert [name for name, each in references.items() if not each.get("optional")] == [f"RAW_{one}" for one in needed]
    assert [name for name, each in references.items() if each.get("optional")] == [f"RAW_{one}" for one in optional]


def test_keys_of_another_server_that_a_pipeline_of_0_1_0_sets_itself_stay_as_they_are() -> None:
    own = {"name": "RAW_AZURE_STORAGE_KEY", "secretRef": {"name": "azure"}, "key": "account-key"}
    block = {"pairs": {"uri": "s3://in/p.json", "clips": "az://in/"}}
    _, env = planned({**block, "s3": {"secretRef": {"name": "raw-keys"}}}, env=[own])
    found = [each["valueFrom"]["secretKeyRef"] for each in env if each["name"] == "RAW_AZURE_STORAGE_KEY"]
    assert found == [{"name": "azure", "key": "account-key"}]
    assert "RAW_AZURE_STORAGE_ACCOUNT" in values(env)
