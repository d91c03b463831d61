"""Check of a pipeline against the operator's policy. Pure; the rules are in `contract.policy`."""

from collections.abc import Iterator

from reelmill.contract.errors import SpecError
from reelmill.contract.model import camel
from reelmill.contract.policy.model import Policy, matches
from reelmill.contract.policy.rules import AUTO_SHARDS, EVERY_TAINT, NAMES, NO_QUEUE, amounts, selectors, settings
from reelmill.contract.spec.pipeline import Spec
from reelmill.contract.spec.placement import Placement
from reelmill.plan.jobs.placement import amount

_UNNAMED = {EVERY_TAINT: "a toleration of every taint", NO_QUEUE: "a pipeline without a queue"}


def violations(spec: Spec, policy: Policy) -> list[SpecError]:
    """One SpecError for each field that violates the policy."""
    if not policy.restricts:
        return []
    return [*_name_errors(spec, policy), *_fields(spec, policy), *_nodes(spec, policy), *_amount_errors(spec, policy)]


def _name_errors(spec: Spec, policy: Policy) -> Iterator[SpecError]:
    for rule in NAMES:
        patterns = rule.patterns(policy)
        for where, name in rule.names(spec) if patterns is not None else ():
            if not matches(patterns or (), name):
                described_name = _UNNAMED.get(name, f"the {rule.what} {name}")
                yield _error(f"{described_name} is not allowed", where, rule.field)


def _fields(spec: Spec, policy: Policy) -> Iterator[SpecError]:
    names = {camel(name): name for name in Placement.model_fields}
    for field in policy.refused_fields:
        for where, given in settings(spec):
            if names[field] in given:
                yield _error(f"{field} is not allowed", f"{where}.{field}", "refused_fields")


def _nodes(spec: Spec, policy: Policy) -> Iterator[SpecError]:
    allowed = policy.allowed_nodes or {}
    for where, selector in selectors(spec):
        for label, value in selector.items():
            if value not in allowed.get(label, (value,)):
                what = f"nodes with {label}={value} are not allowed"
                yield _error(what, f"{where}[{label}]", "allowed_nodes")


def _amount_errors(spec: Spec, policy: Policy) -> Iterator[SpecError]:
    most = policy.max_resources or {}
    for where, resource, quantity in amounts(spec):
        if resource in most and amount(quantity) > amount(most[resource]):
            what = f"more than {most[resource]} of {resource} ({quantity}) is not allowed"
            yield _error(what, where, "max_resources")
    for number, stage in enumerate(spec.stages):
        where, shards = f"spec.stages[{number}]", AUTO_SHARDS if stage.shards == "auto" else stage.shards
        if policy.max_parallelism is not None and stage.parallelism > policy.max_parallelism:
            what = f"a parallelism of more than {policy.max_parallelism} ({stage.parallelism}) is not allowed"
            yield _error(what, f"{where}.parallelism", "max_parallelism")
        if policy.max_shards is not None and shards > policy.max_shards:
            shards_text = f"auto: up to {shards}" if stage.shards == "auto" else shards
            what = f"more than {policy.max_shards} shards ({shards_text}) are not allowed"
            yield _error(what, f"{where}.shards", "max_shards")
    pods = sum(stage.parallelism for stage in spec.stages)
    if policy.max_pods is not None and pods > policy.max_pods:
        what = f"more than {policy.max_pods} pods of all stages together ({pods}) are not allowed"
        yield _error(what, "spec.stages", "max_pods")


def _error(what: str, where: str, field: str) -> SpecError:
    hint = f"change it, or ask the administrator of the operator to change policy.{camel(field)}"
    return SpecError(f"{what} by the operator's policy", where=where, hint=hint)
