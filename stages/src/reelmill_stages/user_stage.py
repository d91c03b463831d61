"""The class and parameters of a `run` stage.

Every problem (missing module, missing declaration, missing package, not a stage, invalid parameters) raises SpecError
with a message that explains the fix, because only the user can fix it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import StageBlock
from reelmill_stages.stage import Stage
from reelmill_stages.user_code import load


def own_class(path: str) -> type[Stage]:
    """Import the stage class `module:Class`, if its module declares it (see `user_code`). Raises SpecError."""
    found = load(path, "stage")
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise SpecError(
            f"{path.partition(':')[2]} is not a stage",
            where=path,
            hint="it must be a subclass of reelmill_stages.stage.Stage",
        )
    return found


def own_block(path: str, params: Mapping[str, Any]) -> StageBlock:
    """Return the parameters of such a class, validated by its model. Raises SpecError that names the field."""
    model = own_class(path).block_type
    try:
        return model.model_validate(params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("params", *first["loc"]))
        names = ", ".join(info.alias or name for name, info in model.model_fields.items())
        hint = f"{model.__name__} has the fields {names}" if names else f"{model.__name__} has no fields"
        raise SpecError(f"{field}: {first['msg']}", where=path, hint=hint) from error
