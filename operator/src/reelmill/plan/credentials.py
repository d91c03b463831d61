"""Which variables of a step's pod hold whose credentials, and what a pipeline may not set therefore."""

from collections.abc import Iterator
from typing import NamedTuple

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, Spec
from reelmill.contract.spec.placement import EnvVar
from reelmill.contract.spec.s3 import SecretRef
from reelmill.contract.spec.variables import CREDENTIALS, OF_SCHEMES, is_reserved


def credentials_prefix(spec: Spec, source: SourceSpec) -> str:
    """Prefix of the variables with a source's credentials; empty where it uses the store's.

    A source with a connection but no Secret uses the pod's own identity; where the store has a Secret, its keys must
    not be taken for the source's, so the prefix names variables that nobody sets.
    """
    if source.s3 is None or (source.s3.secret_ref is None and spec.store.secret_ref is None):
        return ""
    name = source.name.upper().replace("-", "_")
    return f"_{name}_" if name[0].isdigit() else f"{name}_"


class NamedSecret(NamedTuple):
    """The Secret of a connection: the prefix of its variables, and their names without it."""

    prefix: str
    secret: SecretRef
    names: tuple[str, ...]


def variables(uri: str) -> tuple[str, ...]:
    """The variables with the credentials for the kind of server of a URI."""
    return OF_SCHEMES.get(uri.partition("://")[0], CREDENTIALS)


def refused_variables(spec: Spec) -> Iterator[SpecError]:
    """One SpecError for each `env` entry, of the defaults and of the stages, whose name reelmill sets itself."""
    taken = _from_secrets(spec)
    places = [("spec.defaults", spec.defaults.env)]
    places += [(f"spec.stages[{number}]", stage.env) for number, stage in enumerate(spec.stages)]
    for where, variables in places:
        for place, variable in enumerate(variables):
            if problem := _problem(variable, taken):
                what, hint = problem
                yield SpecError(what, where=f"{where}.env[{place}].name", hint=hint)


def _problem(variable: EnvVar, taken: dict[str, str]) -> tuple[str, str] | None:
    name = variable.name
    if is_reserved(name):
        return f"{name} is reserved for reelmill, which sets it in every pod", "remove it, or use another name"
    if name in taken:
        return f"{name} is set from {taken[name]}", "remove it, or use another name for credentials of your own code"
    return None


def _from_secrets(spec: Spec) -> dict[str, str]:
    """Variable -> where the pipeline says from which Secret it comes."""
    found: dict[str, str] = {}
    if spec.store.secret_ref:
        told = f"the Secret {spec.store.secret_ref.name} (spec.store.secretRef)"
        found |= dict.fromkeys(variables(spec.store.uri), told)
    for number, source in enumerate(spec.sources):
        if source.s3 and source.s3.secret_ref:
            told = f"the Secret {source.s3.secret_ref.name} (spec.sources[{number}].s3.secretRef)"
            prefix = credentials_prefix(spec, source)
            found |= {f"{prefix}{name}": told for name in variables(source.block.where)}
    return found
