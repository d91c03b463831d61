"""Loading of weights, and verification that their keys are exactly those of the model."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.models.extra import load
from reelmill_stages.models.outline import is_safetensors, state, unreadable

_SHOWN = 8


def read_weights(path: Path, where: str) -> dict[str, Any]:
    """Load tensors by name on the CPU; only tensors are unpickled. Raises SpecError for a file without tensors."""
    torch = load("torch")
    try:
        if is_safetensors(path):
            return dict(load("safetensors.torch").load_file(path))
        return state(torch.load(path, map_location="cpu", weights_only=True), torch.Tensor)
    except SpecError:
        raise
    except Exception as error:
        raise unreadable(where, error) from error


def check_keys(
    found: Mapping[str, tuple[int, ...]],
    wanted: Mapping[str, tuple[int, ...]],
    where: str,
    *,
    optional: Collection[str] = (),
) -> None:
    """Raise SpecError for missing and unexpected keys, and for tensors of another shape. `optional` may be missing."""
    missing = sorted(set(wanted) - set(found) - set(optional))
    extra = sorted(set(found) - set(wanted))
    other = sorted(name for name in set(found) & set(wanted) if found[name] != wanted[name])
    problems = [
        f"{len(names)} {word}: {_shortened_list(names)}"
        for names, word in ((missing, "missing"), (extra, "unexpected"))
        if names
    ]
    problems += [f"{name} is {found[name]}, not {wanted[name]}" for name in other[:_SHOWN]]
    if problems:
        raise SpecError(
            f"the weights do not match the model: {'; '.join(problems)}",
            where=where,
            hint="give the weights of exactly this model; otherwise, parts of it would be untrained",
        )


def _shortened_list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
