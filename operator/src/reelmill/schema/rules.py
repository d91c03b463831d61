"""Validation rules between fields as CEL expressions, equal to those of the planner.

The cost of an expression is estimated from the maximum lengths of the lists in it, so every list has one.
"""

from annotated_types import MaxLen

from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec, members
from reelmill.contract.spec.variables import CREDENTIALS, OF_STORES, RESERVED
from reelmill.schema.inline import Schema

NAME_LENGTH = 63
"""Maximum length of a pipeline's name, which is a label value of its Jobs."""


def exactly_one(fields: list[str]) -> Schema:
    """The rule that exactly one of the fields is set."""
    has = ", ".join(f"has(self.{field})" for field in fields)
    return {
        "rule": f"[{has}].filter(given, given).size() == 1",
        "message": f"set exactly one of {', '.join(fields)}",
    }


SOURCE = [exactly_one(members(SourceSpec, SourceBlock))]

STAGE = [
    exactly_one(members(StageSpec, StageBlock)),
    {
        "rule": "!has(self.view) || !has(self.view.split) || has(self.frames)",
        "message": "view.split can only be set for a frames stage",
    },
]

ENV_VAR = [
    {
        "rule": f"!self.name.matches('{RESERVED}')",
        "message": "env must not set REELMILL_…, JOB_COMPLETION_INDEX, TMPDIR or PYTHONSAFEPATH: reelmill sets them",
    }
]

_STAGES = next(bound.max_length for bound in Spec.model_fields["stages"].metadata if isinstance(bound, MaxLen))
_PLACES = list(range(_STAGES))
"""Indexes of the list of stages: loops in CEL have no index, and CEL cannot estimate the length of a mapped list."""


def _keys_allowed_rule(of_another_server: str, names: tuple[str, ...]) -> dict[str, str]:
    free = f"env.all(variable, !(variable.name in {list(names)}))"
    return {
        "rule": (
            f"!has(self.store.secretRef) || {of_another_server} || ((!has(self.defaults) || !has(self.defaults.env) || "
            f"self.defaults.{free}) && self.stages.all(stage, !has(stage.env) || stage.{free}))"
        ),
        "message": f"env must not set {', '.join(names)}: they come from the Secret of store.secretRef",
    }


SPEC = [
    {
        "rule": "self.stages.all(stage, !self.sources.exists(source, source.name == stage.name))",
        "message": "a stage must not have the name of a source",
    },
    {
        "rule": (
            f"{_PLACES}.all(place, place >= self.stages.size() || !has(self.stages[place].from) || "
            "self.stages[place].from.all(name, self.sources.exists(source, source.name == name) || "
            f"{_PLACES}.exists(other, other < place && self.stages[other].name == name)))"
        ),
        "message": "from must only name sources and earlier stages",
    },
    {
        "rule": "self.sources.size() == 1 || has(self.stages[0].from)",
        "message": "there are several sources, so the first stage must set from",
    },
    {
        "rule": (
            "self.sources.all(source, (self.sources.size() == 1 && !has(self.stages[0].from)) || "
            "self.stages.exists(stage, has(stage.from) && stage.from.exists(name, name == source.name)))"
        ),
        "message": "every source must be read by a stage: name it in the from of a stage, or remove it",
    },
    _keys_allowed_rule(" || ".join(f"self.store.uri.startsWith('{scheme}://')" for scheme in OF_STORES), CREDENTIALS),
    *(_keys_allowed_rule(f"!self.store.uri.startsWith('{scheme}://')", names) for scheme, names in OF_STORES.items()),
]

ROOT = [
    {
        "rule": f"self.metadata.name.size() <= {NAME_LENGTH}",
        "message": f"metadata.name must have at most {NAME_LENGTH} characters",
    }
]
