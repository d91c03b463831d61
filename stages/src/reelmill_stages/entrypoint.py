"""Finding the class that a `run` stage names: the one place where code of the user's own is imported.

Whatever is wrong with it (no such module, a package that it lacks, no stage, parameters that its model refuses) is a
SpecError with the way out, because the user can mend it and a retry cannot.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.spec.block import StageBlock
from reelmill_stages.stage import Stage


def own_class(path: str) -> type[Stage]:
    """The stage class `module:Class`. Raises SpecError."""
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise _missing(path, module, error) from error
    except ReelmillError:
        raise
    except Exception as error:
        raise SpecError(
            f"importing {module} fails: {type(error).__name__}: {error}", where=path, hint=f"try python -m {module}"
        ) from error
    if found is None:
        raise SpecError(f"the module {module} has no {name}", where=path, hint="an entrypoint is written module:Class")
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise SpecError(f"{name} is no stage", where=path, hint="it must be a subclass of reelmill_stages.stage.Stage")
    return found


def own_block(path: str, params: Mapping[str, Any]) -> StageBlock:
    """The parameters of such a class, checked by its model. Raises SpecError naming the field."""
    model = own_class(path).block_type
    try:
        return model.model_validate(params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("params", *first["loc"]))
        names = ", ".join(info.alias or name for name, info in model.model_fields.items())
        hint = f"{model.__name__} has the fields {names}" if names else f"{model.__name__} has no fields"
        raise SpecError(f"{field}: {first['msg']}", where=path, hint=hint) from error


def _missing(path: str, module: str, error: ModuleNotFoundError) -> SpecError:
    name = error.name or module
    if module == name or module.startswith(f"{name}."):
        return SpecError(
            f"there is no module {name!r} here",
            where=path,
            hint="on one machine: install it beside reelmill-stages, or put its folder on PYTHONPATH; in a cluster: "
            "the image of the run stage must hold it",
        )
    return SpecError(
        f"{module} needs the package {name!r}, which is not installed here",
        where=path,
        hint="install it where the stage runs: in this Python, or in the image",
    )
