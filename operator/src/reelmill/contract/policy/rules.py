"""Rules that find what the policy's patterns apply to: for each field, the names in a spec and their paths.

`reelmill.schema.admission` has the same rules in CEL; a test compares the two with a real API server.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reelmill.contract.policy.model import Policy
from reelmill.contract.policy.servers import servers
from reelmill.contract.spec.pipeline import Spec
from reelmill.contract.spec.placement import Placement

EVERY_TAINT = "*/*/*"
"""Placeholder for the key of a toleration without a key: of realistic patterns, only `**` matches it."""
AUTO_SHARDS = 2000
"""Maximum number of shards with `shards: auto`."""
NO_QUEUE = "/none/"
"""Placeholder for the queue of a pipeline without one: of realistic patterns, only `**` matches it."""

Found = Iterator[tuple[str, str]]
"""(path in the resource, name) of what a pipeline requests."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """The rule for one list of patterns in the policy."""

    field: str
    """The field of `Policy`."""
    what: str
    """The term for such a name in messages."""
    patterns: Callable[[Policy], list[str] | None]
    names: Callable[[Spec], Found]


def places(spec: Spec) -> Iterator[tuple[str, Placement]]:
    """The defaults and the stages, with their paths."""
    yield "spec.defaults", spec.defaults
    yield from ((f"spec.stages[{number}]", stage) for number, stage in enumerate(spec.stages))


def settings(spec: Spec) -> Iterator[tuple[str, set[str]]]:
    """The names of the fields that the defaults, the stages and `control` set, with their paths."""
    yield from ((where, place.model_fields_set) for where, place in places(spec))
    yield "spec.control", spec.control.model_fields_set


def _images(spec: Spec) -> Found:
    yield from _placement_names(spec, "image", lambda place: place.image)
    for number, stage in enumerate(spec.stages):
        if image := stage.block.pod_image:
            yield f"spec.stages[{number}].{stage.type}.image", image


def _placement_names(spec: Spec, field: str, read: Callable[[Placement], str | None]) -> Found:
    yield from ((f"{where}.{field}", name) for where, place in places(spec) if (name := read(place)))


def _secrets(spec: Spec) -> Found:
    if spec.store.secret_ref:
        yield "spec.store.secretRef.name", spec.store.secret_ref.name
    for number, source in enumerate(spec.sources):
        if source.s3 and source.s3.secret_ref:
            yield f"spec.sources[{number}].s3.secretRef.name", source.s3.secret_ref.name
    for where, place in places(spec):
        for number, variable in enumerate(place.env):
            if variable.secret_ref:
                yield f"{where}.env[{number}].secretRef.name", variable.secret_ref.name
        for number, secret in enumerate(place.image_pull_secrets):
            yield f"{where}.imagePullSecrets[{number}].name", secret.name


def _variables(spec: Spec) -> Found:
    for where, place in places(spec):
        yield from ((f"{where}.env[{number}].name", each.name) for number, each in enumerate(place.env))


def _priority_classes(spec: Spec) -> Found:
    yield from _placement_names(spec, "priorityClassName", lambda place: place.priority_class_name)
    if spec.verify and spec.verify.priority_class_name:
        yield "spec.verify.priorityClassName", spec.verify.priority_class_name


def _tolerations(spec: Spec) -> Found:
    control = [("spec.control", spec.control.tolerations)]
    for where, tolerations in [*((where, place.tolerations) for where, place in places(spec)), *control]:
        for number, toleration in enumerate(tolerations):
            yield f"{where}.tolerations[{number}].key", toleration.key or EVERY_TAINT


def _queues(spec: Spec) -> Found:
    yield "spec.queue.name", spec.queue.name if spec.queue else NO_QUEUE


NAMES = (
    NameRule("allowed_images", "image", lambda policy: policy.allowed_images, _images),
    NameRule(
        "allowed_service_accounts", "service account", lambda policy: policy.allowed_service_accounts,
        lambda spec: _placement_names(spec, "serviceAccountName", lambda place: place.service_account_name),
    ),
    NameRule("allowed_secrets", "Secret", lambda policy: policy.allowed_secrets, _secrets),
    NameRule("allowed_servers", "server", lambda policy: policy.allowed_servers, servers),
    NameRule("allowed_variables", "variable", lambda policy: policy.variables, _variables),
    NameRule(
        "allowed_priority_classes", "priority class", lambda policy: policy.allowed_priority_classes, _priority_classes
    ),
    NameRule(
        "allowed_runtime_classes", "runtime class", lambda policy: policy.allowed_runtime_classes,
        lambda spec: _placement_names(spec, "runtimeClassName", lambda place: place.runtime_class_name),
    ),
    NameRule("allowed_tolerations", "toleration of the taint", lambda policy: policy.allowed_tolerations, _tolerations),
    NameRule("allowed_queues", "queue", lambda policy: policy.allowed_queues, _queues),
)  # fmt: skip


def selectors(spec: Spec) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Node selectors, with their paths."""
    yield from ((f"{where}.nodeSelector", place.node_selector) for where, place in places(spec))
    yield "spec.control.nodeSelector", spec.control.node_selector


def amounts(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """(path, resource, quantity) of every request and limit of a pod."""
    control = ("spec.control", Placement(resources=spec.control.resources))
    for where, place in (*places(spec), control):
        if place.resources:
            for part, wanted in (("requests", place.resources.requests), ("limits", place.resources.limits)):
                for resource, quantity in wanted.items():
                    yield f"{where}.resources.{part}[{resource}]", resource, quantity
            if place.resources.memory_max:
                yield f"{where}.resources.memoryMax", "memory", place.resources.memory_max
        if place.gpu:
            yield f"{where}.gpu.count", place.gpu.resource, str(place.gpu.count)
        if place.scratch:
            yield f"{where}.scratch", "ephemeral-storage", place.scratch
