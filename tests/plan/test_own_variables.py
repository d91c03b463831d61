"""What reelmill sets in a pod is what the pod sees, whatever a pipeline's `env` says, and a pipeline is told before."""

import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.spec.variables import RESERVED
from reelmill.contract.task import ENV, Step, Task
from reelmill.plan.definition.graph import SpecErrors, resolve
from reelmill.plan.definition.keys import keys
from reelmill.plan.jobs.pod import pod_spec
from reelmill.plan.jobs.tasks import Definition, removal_task, survey_task
from reelmill.plan.settings import PlannerSettings
from reelmill.schema.rules import ENV_VAR
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
ALWAYS = ("REELMILL_TASK", "REELMILL_REPORT", "REELMILL_ANYTHING", "JOB_COMPLETION_INDEX", "TMPDIR", "PYTHONSAFEPATH")
FREE = (
    "AWS_PROFILE", "AWS_REGION", "AWS_ROLE_ARN", "AWS_NO_SIGN_REQUEST", "RAW_AWS_NO_SIGN_REQUEST", "PYTHONPATH",
    "LD_PRELOAD", "HF_TOKEN", "BACKUP_AWS_ACCESS_KEY_ID", "MY_REELMILL_TASK", "reelmill_task", "TMPDIR2",
)  # fmt: skip


def made(
    *, store: bool = False, source: bool = False, env: list[str] | None = None, defaults: list[str] | None = None,
    value: str = "theirs", **run: Any,
) -> VideoPipeline:  # fmt: skip
    """A pipeline whose store and source have Secrets or not, with variables of these names."""
    raw: dict[str, Any] = {"name": "raw", "files": {"uri": "s3://in/"}}
    return pipeline(
        [
            {
                "name": "facts",
                "run": {"entrypoint": "facts:Facts", **run},
                "env": [{"name": name, "value": value} for name in env or ()],
            }
        ],
        store={"uri": "s3://out", **({"secretRef": {"name": "store-keys"}} if store else {})},
        sources=[raw | ({"s3": {"secretRef": {"name": "raw-keys"}}} if source else {})],
        defaults={"env": [{"name": name, "value": value} for name in defaults or ()]},
    )


def refused(whole: VideoPipeline) -> dict[str, str]:
    """Where -> what and hint."""
    try:
        resolve(whole.spec)
    except SpecErrors as error:
        return {each.where: f"{each.what}; {each.hint}" for each in error.errors}
    return {}


def seen(env: list[dict[str, Any]], index: str = "0") -> dict[str, Any]:
    """What a container sees, as Kubernetes documents it: the last entry of a name counts, `$(NAME)` is what an earlier
    one holds, `$$` is a `$`, and the index is added where there is none."""
    found: dict[str, Any] = {}
    for entry in env:
        value = entry.get("value")
        if value is None:
            found[entry["name"]] = entry["valueFrom"]
            continue
        found[entry["name"]] = re.sub(r"\$\$|\$\(([^)]*)\)", partial(_expanded, dict(found)), value)
    return {"JOB_COMPLETION_INDEX": index, **found}


def _expanded(known: dict[str, Any], match: re.Match[str]) -> str:
    return "$" if match[0] == "$$" else str(known.get(match[1], match[0]))


def environment(whole: VideoPipeline, step: Step) -> list[dict[str, Any]]:
    spec = whole.spec
    graph = resolve(spec.model_copy(update={"defaults": spec.defaults.model_copy(update={"env": []})}))
    definition = Definition(whole, "uid-1", graph, keys(spec, graph))
    task = removal_task(definition, run=1) if step is Step.REMOVE else survey_task(definition, run=1, listing=True)
    (container,) = pod_spec(definition, PlannerSettings(), task)["containers"]
    env: list[dict[str, Any]] = container["env"]
    return env


@pytest.mark.parametrize("name", ALWAYS)
def test_reserved_variables_are_rejected_everywhere_in_a_spec(name: str) -> None:
    found = refused(made(env=["A", name], defaults=[name]))
    assert set(found) == {"spec.stages[0].env[1].name", "spec.defaults.env[0].name"}
    assert all(f"{name} is reserved for reelmill" in text and "another name" in text for text in found.values())


@pytest.mark.parametrize("name", KEYS)
def test_keys_that_come_from_a_secret_are_refused_and_no_others(name: str) -> None:
    assert refused(made(env=[name, f"RAW_{name}"])) == {}
    found = refused(made(env=[name, f"RAW_{name}"], store=True))
    assert list(found) == ["spec.stages[0].env[0].name"]
    assert "the Secret store-keys (spec.store.secretRef)" in found["spec.stages[0].env[0].name"]
    found = refused(made(env=[name, f"RAW_{name}"], source=True))
    assert list(found) == ["spec.stages[0].env[1].name"]
    assert "the Secret raw-keys (spec.sources[0].s3.secretRef)" in found["spec.stages[0].env[1].name"]


@pytest.mark.parametrize("secrets", [False, True])
def test_what_a_user_may_have_a_reason_to_set_is_accepted_and_reaches_the_pod(secrets: bool) -> None:
    whole = made(env=list(FREE), defaults=list(FREE), store=secrets, source=secrets)
    assert refused(whole) == {}
    assert {name: seen(environment(whole, Step.SURVEY))[name] for name in FREE} == dict.fromkeys(FREE, "theirs")


NAMES = st.lists(
    st.sampled_from([*ALWAYS, *FREE, *KEYS, *(f"RAW_{name}" for name in KEYS)])
    | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
    unique=True,
    max_size=12,
)


@given(names=NAMES, store=st.booleans(), source=st.booleans(), step=st.sampled_from([Step.SURVEY, Step.REMOVE]))
def test_variables_of_reelmill_win_over_those_of_an_old_resource(
    names: list[str], store: bool, source: bool, step: Step
) -> None:
    """Resources that an earlier release accepted: of what is refused now, nothing gets into a pod; the rest does."""
    whole = made(defaults=names, store=store, source=source)
    ours = seen(environment(made(store=store, source=source), step))
    env = environment(whole, step)
    assert len({entry["name"] for entry in env}) == len(env)
    variables = seen(env)
    assert {name: variables[name] for name in ours} == ours
    wrong = {names[int(where.split("[")[1].split("]")[0])] for where in refused(whole)}
    assert {name for name in names if variables.get(name) != "theirs"} <= wrong
    assert wrong >= {name for name in names if name in ours}


@given(
    st.text(max_size=30) | st.lists(st.sampled_from(["$(A)", "$$(A)", "$$", "$", "(A)", "\\", '"'])).map("".join),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10),
)
def test_no_parameter_is_rewritten_on_its_way_into_the_pod(text: str, value: str) -> None:
    whole = made(defaults=["A"], value=value, params={"text": text})
    task = Task.model_validate_json(seen(environment(whole, Step.SURVEY))[ENV])
    assert task.stages[0].params["params"] == {"text": text}


def test_a_resource_that_was_accepted_before_is_reported_and_starts_nothing() -> None:
    cluster = SimulatedCluster(made(defaults=["REELMILL_TASK"]), SymbolicStore(bucket={"raw": ["v"]}))
    cluster.settle()
    accepted = cluster.status.condition("Accepted")
    assert accepted
    assert (accepted.status, accepted.reason) == ("False", "SpecInvalid")
    assert "spec.defaults.env[0].name: REELMILL_TASK is reserved for reelmill" in accepted.message
    assert not cluster.created


@given(st.sampled_from([*ALWAYS, *FREE, *KEYS]) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True))
def test_the_definitions_rule_is_that_of_the_planner(name: str) -> None:
    (rule,) = ENV_VAR
    assert rule["rule"] == f"!self.name.matches('{RESERVED}')"
    assert bool(refused(made(env=[name]))) == bool(re.search(RESERVED, name))
