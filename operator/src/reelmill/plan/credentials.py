"""Environment variables of a step's pod that contain credentials, and that a pipeline therefore may not set."""

from collections.abc import Collection, Iterator
from typing import NamedTuple, Self

from reelmill.contract.errors import SpecError
from reelmill.contract.policy.servers import uris
from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.pipeline import SourceSpec, Spec
from reelmill.contract.spec.placement import EnvVar
from reelmill.contract.spec.s3 import SecretRef
from reelmill.contract.spec.variables import CREDENTIALS, OF_SCHEMES, is_reserved


def credentials_prefix(spec: Spec, source: SourceSpec) -> str:
    """Prefix of the variables with a source's credentials; empty if it uses the store's.

    A source with a connection but no Secret uses the pod's identity. If the store has a Secret, its keys must not be
    used for the source, so the prefix names variables that are never set.
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
    """Variables of the server that the connection is for."""
    others: tuple[str, ...] = ()
    """Variables of other kinds of servers, for further URIs of a source. The Secret may lack them, and `env` may set
    them, which version 0.1.0 requires."""

    def without_given(self, given: Collection[str]) -> Self:
        """A copy without the variables of other servers that `env` sets."""
        return self._replace(others=tuple(name for name in self.others if f"{self.prefix}{name}" not in given))


def variables(uri: str) -> tuple[str, ...]:
    """The variables with the credentials for the kind of server of a URI."""
    return OF_SCHEMES.get(uri.partition("://")[0], CREDENTIALS)


def source_variables(block: SourceBlock) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same for a source: (variables of its server, variables of other kinds of servers that it names)."""
    named = [uri.partition("://")[0] for uri in (block.where, *(uri for _, uri in uris(block)))]
    schemes = list(dict.fromkeys(scheme for scheme in named if scheme == "s3" or scheme in OF_SCHEMES))
    first, *others = schemes or ["s3"]
    return variables(f"{first}://"), sum((variables(f"{scheme}://") for scheme in others), ())


def refused_variables(spec: Spec, *, unsound: Collection[str] = ()) -> Iterator[SpecError]:
    """One SpecError for each `env` entry, of the defaults and of the stages, whose name reelmill sets itself.

    `unsound` are names of sources that are refused because they do not have exactly one block.
    """
    taken = _variables_of_secrets(spec, unsound)
    places = [("spec.defaults", spec.defaults.env)]
    places += [(f"spec.stages[{number}]", stage.env) for number, stage in enumerate(spec.stages)]
    for where, variables in places:
        for place, variable in enumerate(variables):
            if problem := _variable_problem(variable, taken):
                what, hint = problem
                yield SpecError(what, where=f"{where}.env[{place}].name", hint=hint)


def _variable_problem(variable: EnvVar, taken: dict[str, str]) -> tuple[str, str] | None:
    name = variable.name
    if is_reserved(name):
        return f"{name} is reserved for reelmill, which sets it in every pod", "remove it, or use another name"
    if name in taken:
        return f"{name} is set from {taken[name]}", "remove it, or use another name for credentials of your own code"
    return None


def _variables_of_secrets(spec: Spec, unsound: Collection[str]) -> dict[str, str]:
    """Variable -> path in the pipeline of the Secret that it comes from."""
    found: dict[str, str] = {}
    if spec.store.secret_ref:
        secret = f"the Secret {spec.store.secret_ref.name} (spec.store.secretRef)"
        found |= dict.fromkeys(variables(spec.store.uri), secret)
    for number, source in enumerate(spec.sources):
        if source.s3 and source.s3.secret_ref and source.name not in unsound:
            secret = f"the Secret {source.s3.secret_ref.name} (spec.sources[{number}].s3.secretRef)"
            prefix = credentials_prefix(spec, source)
            names, _ = source_variables(source.block)
            found |= {f"{prefix}{name}": secret for name in names}
    return found


def named_variables(spec: Spec) -> frozenset[str]:
    """The variables that a pipeline names: in `env`, and as API keys of model servers."""
    found = {variable.name for place in (spec.defaults, *spec.stages) for variable in place.env}
    return frozenset(found | {name for stage in spec.stages for name in stage.block.secret_variables})
