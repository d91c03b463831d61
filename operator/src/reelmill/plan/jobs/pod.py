"""The pod of a step: a container that meets Pod Security `restricted`, credentials by reference, a scratch volume."""

import json
from dataclasses import asdict
from typing import Any

from reelmill.contract.counters import REPORTS, REPORTS_ENV
from reelmill.contract.digest import fingerprint
from reelmill.contract.process import import_path
from reelmill.contract.spec.pipeline import Spec
from reelmill.contract.spec.placement import EnvVar, Placement
from reelmill.contract.spec.s3 import SecretRef
from reelmill.contract.spec.variables import CREDENTIALS, is_reserved
from reelmill.contract.task import CA_FOLDER, ENV, STAGELESS, Step, Task
from reelmill.contract.task_parts.connection_secrets import ENV as SECRETS_ENV
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill.contract.task_parts.run_report import ENV as DEFINITION_ENV
from reelmill.contract.task_parts.run_report import MOST_BYTES
from reelmill.plan.credentials import NamedSecret, credentials_prefix, source_variables, variables
from reelmill.plan.jobs.placement import (
    control_pod,
    control_resources,
    environment,
    merged,
    work_pod,
    work_resources,
)
from reelmill.plan.jobs.pod_policy import bounded, bounded_control, fields_changing_pods, on_allowed_nodes
from reelmill.plan.jobs.tasks import Definition, run_definition
from reelmill.plan.settings import PlannerSettings, PodExtras

CONTAINER = "reelmill"
SCRATCH = "/scratch"
_NOT_OF_PODS = ("whole_", "prices", "run_reports", "policy", "extras")
"""Prefixes of settings that no pod template depends on."""


def pod_spec(
    definition: Definition, settings: PlannerSettings, task: Task, follow_up: FollowUp | None = None, memory: str = ""
) -> dict[str, Any]:
    """The pod spec of a step. Pods that process items use the stage's placement, with `memory` instead if it is given;
    all others use `spec.control`.
    """
    spec = definition.spec
    place, block = spec.defaults, None
    if task.step not in STAGELESS:
        stage = definition.graph.stages[task.stage.name]
        place, block = merged(spec.defaults, stage), stage.block
    place, control = bounded(place, settings.policy), bounded_control(spec.control, settings.policy)
    works = task.step is Step.SHARDS or (follow_up is not None and follow_up.whole)
    secrets = _secrets(definition, task)
    own = _survey_env(spec) if task.step is Step.SURVEY else place.env
    account = place.service_account_name or settings.service_account
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.grace_seconds,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        **({"serviceAccountName": account} if account else {}),
        **({"imagePullSecrets": [{"name": secret.name} for secret in place.image_pull_secrets]}
           if place.image_pull_secrets else {}),
        **on_allowed_nodes(work_pod(place) if works else control_pod(control), settings.policy),
        **_priority(spec, task),
        "containers": [
            {
                "name": CONTAINER,
                "image": (block and block.pod_image) or place.image or settings.image_of(block),
                "imagePullPolicy": place.image_pull_policy or settings.image_pull_policy,
                "env": _environment(task, follow_up, _definition(definition, settings, task), own, secrets),
                "resources": work_resources(place, memory) if works else control_resources(control),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    {"name": "scratch", "mountPath": SCRATCH},
                    {"name": "scratch", "mountPath": "/tmp", "subPath": "tmp"},  # noqa: S108 - a path in the pod
                    *({"name": _volume(prefix), "mountPath": _ca_folder(prefix), "readOnly": True}
                      for prefix, *_ in secrets),
                ],
            }
        ],
        "volumes": [
            {"name": "scratch", "emptyDir": _scratch(place)},
            *(
                {
                    "name": _volume(prefix),
                    "secret": {
                        "secretName": secret.name,
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                        "optional": True,
                    },
                }
                for prefix, secret, *_ in secrets
            ),
        ],
    }  # fmt: skip


def same_surroundings(definition: Definition, settings: PlannerSettings, one: str, other: str) -> bool:
    """Whether the open step of a stage can run in a pod of another stage (empty: the survey), because image, identity
    and the user's variables are the same.
    """
    return _surroundings(definition, settings, one) == _surroundings(definition, settings, other)


def _surroundings(definition: Definition, settings: PlannerSettings, stage: str) -> tuple[object, ...]:
    spec = definition.spec
    resolved_stage = definition.graph.stages.get(stage)
    place, block = (
        (merged(spec.defaults, resolved_stage), resolved_stage.block) if resolved_stage else (spec.defaults, None)
    )
    image = (block and block.pod_image) or place.image or settings.image_of(block)
    return image, place.service_account_name, place.image_pull_secrets, place.env, place.scratch


def pods10(definition: Definition, settings: PlannerSettings, stage: str) -> str:
    """Fingerprint (10 hex digits) of all inputs of the pod template of a stage, or of a step without a stage if `stage`
    is empty.
    """
    spec = definition.spec
    resolved_stage = definition.graph.stages.get(stage)
    place = merged(spec.defaults, resolved_stage) if resolved_stage else spec.defaults
    connections = [spec.store, *(source.s3 for source in spec.sources if source.s3)]
    models = (place, spec.control, *([spec.verify] if spec.verify and not stage else ()), *connections)
    more = [] if stage else _survey_env(spec)[len(spec.defaults.env) :]
    dumped = [model.model_dump(mode="json", by_alias=True) for model in (*models, *more)]
    pods = {name: value for name, value in asdict(settings).items() if not name.startswith(_NOT_OF_PODS)}
    extras = [asdict(settings.extras)] if settings.extras != PodExtras() else []
    image = resolved_stage.block.pod_image if resolved_stage else None
    return fingerprint([*dumped, image, pods, *fields_changing_pods(settings.policy), *extras])[:10]


def _definition(definition: Definition, settings: PlannerSettings, task: Task) -> str:
    """The JSON from which the report of the run is made, if the run writes one."""
    if task.step is not Step.SURVEY or not settings.run_reports:
        return ""
    definition_task = run_definition(definition, settings.prices)
    text = _escape_references(definition_task.model_dump_json(exclude_defaults=True))
    return (
        text
        if len(text.encode()) <= MOST_BYTES
        else _escape_references(definition_task.replace(document={}).model_dump_json())
    )


def _environment(
    task: Task,
    follow_up: FollowUp | None,
    definition: str,
    own: list[EnvVar],
    secrets: list[NamedSecret],
) -> list[dict[str, Any]]:
    """The user's variables, then reelmill's. A user's entry with the name of one of reelmill's is omitted: resources
    that an earlier release accepted may have one, and the pods that remove their data must still run the given task.
    """
    given = {each.name for each in own}
    named = {secret.prefix: secret.secret.name for secret in secrets}
    ours = [
        {"name": ENV, "value": _escape_references(task.model_dump_json(by_alias=True))},
        {"name": REPORTS_ENV, "value": REPORTS},
        *(
            [{"name": NEXT_ENV, "value": _escape_references(follow_up.model_dump_json(exclude_defaults=True))}]
            if follow_up
            else []
        ),
        *([{"name": DEFINITION_ENV, "value": definition}] if definition else []),
        {"name": "TMPDIR", "value": SCRATCH},
        {"name": import_path.ENV, "value": "1"},
        *([{"name": SECRETS_ENV, "value": _escape_references(json.dumps(named))}] if named else []),
        *(variable for secret in secrets for variable in _credentials(*secret.without_given(given))),
    ]
    taken = {variable["name"] for variable in ours}
    free = [each for each in environment(own) if each["name"] not in taken and not is_reserved(each["name"])]
    return [*free, *ours]


def _survey_env(spec: Spec) -> list[EnvVar]:
    """The variables of the survey: those of the defaults, and the secrets for the model servers of stages.

    If two stages set one name to different values, the first is used.
    """
    found = {variable.name: variable for variable in spec.defaults.env}
    for stage in spec.stages:
        for variable in stage.env:
            if variable.name in stage.block.secret_variables:
                found.setdefault(variable.name, variable)
    return list(found.values())


def _priority(spec: Spec, task: Task) -> dict[str, str]:
    """The priority class of a verification; other steps have none, or that of their stage."""
    name = spec.verify.priority_class_name if spec.verify and task.step is Step.VERIFY else None
    return {"priorityClassName": name} if name else {}


def _escape_references(text: str) -> str:
    """Escape every `$` in JSON, because Kubernetes replaces `$(NAME)` in a value by the value of a variable."""
    return text.replace("$", "\\u0024")


def _secrets(definition: Definition, task: Task) -> list[NamedSecret]:
    """The Secret of every connection that the step uses; a verification reads only the store."""
    spec = definition.spec
    store = spec.store.secret_ref
    found = [NamedSecret("", store, variables(spec.store.uri))] if store else []
    for named in () if task.step is Step.VERIFY else task.sources:
        source = definition.graph.sources[named.name]
        if source.s3 and source.s3.secret_ref:
            prefix = credentials_prefix(spec, source)
            found.append(NamedSecret(prefix, source.s3.secret_ref, *source_variables(source.block)))
    return found


def _credentials(
    prefix: str, secret: SecretRef, names: tuple[str, ...], others: tuple[str, ...]
) -> list[dict[str, Any]]:
    def variable(name: str, *, optional: bool = False) -> dict[str, Any]:
        reference: dict[str, Any] = {"name": secret.name, "key": name}
        return {
            "name": f"{prefix}{name}",
            "valueFrom": {"secretKeyRef": {**reference, "optional": True} if optional else reference},
        }

    key, secret_key, _, bundle = CREDENTIALS
    needed = {key, secret_key} if names == CREDENTIALS else set(names) if len(names) == 1 else set()
    return [
        {"name": f"{prefix}{bundle}", "value": f"{_ca_folder(prefix)}/ca.crt"}
        if name == bundle
        else variable(name, optional=name not in needed)
        for name in (*names, *others)
    ]


def _name_of_prefix(prefix: str) -> str:
    return prefix.strip("_").lower().replace("_", "-") if prefix else "store"


def _volume(prefix: str) -> str:
    return f"ca-source-{_name_of_prefix(prefix)}" if prefix else "ca-store"


def _ca_folder(prefix: str) -> str:
    return f"{CA_FOLDER}/source-{_name_of_prefix(prefix)}" if prefix else f"{CA_FOLDER}/store"


def _scratch(place: Placement) -> dict[str, Any]:
    return {"sizeLimit": place.scratch} if place.scratch else {}
