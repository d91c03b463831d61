"""Reads weights of a CLIP model with restricted loaders, and verifies that keys match the architecture.

Missing and unexpected keys are reported before any image is processed. The text tower is not used and may be missing as
a whole.
"""

import pickle
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from reelmill.contract.errors import SpecError

VISUAL = "visual."
OPENAI = frozenset({"input_resolution", "context_length", "vocab_size"})
"""Entries of OpenAI's files that are not weights; these models use QuickGELU."""
_OPTIONAL = frozenset({"logit_scale", "logit_bias"})
_NAMED = 5

Tensors = dict[str, torch.Tensor]


def read_weights(path: Path, expected: Mapping[str, torch.Size], *, quick: bool, where: str = "") -> Tensors:
    """The weights of the image tower, by their names in the whole model (`visual.…`).

    `expected` are the shapes of the whole model. Raises SpecError for missing or unexpected keys, other shapes, and
    files without a state dict.
    """
    where = where or str(path)
    found = _state_dict(path, where)
    if OPENAI & found.keys() and not quick:
        raise SpecError(
            "weights of OpenAI require a -quickgelu model",
            where=where,
            hint="append -quickgelu to the model; otherwise, the features differ",
        )
    found = {name: tensor for name, tensor in found.items() if name not in OPENAI}
    image_tower = {name for name in expected if name.startswith(VISUAL)}
    wanted = image_tower if all(name.startswith(VISUAL) for name in found) else set(expected)
    missing = wanted - found.keys() - _OPTIONAL
    extra = found.keys() - expected.keys() - _OPTIONAL
    shapes = {name for name in image_tower & found.keys() if found[name].shape != expected[name]}
    wrong = [
        f"{len(names)} {word} ({_shortened_list(names)})"
        for names, word in ((missing, "missing"), (extra, "unexpected"), (shapes, "of another shape"))
        if names
    ]
    if wrong:
        raise SpecError(
            f"the weights do not match the model: keys {'; '.join(wrong)}",
            where=where,
            hint="choose the model for which the weights were trained, or other weights",
        )
    return {name: found[name] for name in sorted(image_tower)}


def check_finite(tensors: Mapping[str, torch.Tensor], where: str) -> None:
    """Raise SpecError for weights with NaN or infinity."""
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise SpecError(f"the weights contain values that are not numbers, in {name}", where=where)


def _state_dict(path: Path, where: str) -> Tensors:
    try:
        loaded = _load_torch_file(path)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise SpecError(
            f"no state dict can be read: {first[:200]}",
            where=where,
            hint="save one: torch.save(model.state_dict(), path). A TorchScript archive does not work",
        ) from error
    for name in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
    tensors = isinstance(loaded, Mapping) and {
        str(name).removeprefix("module."): tensor
        for name, tensor in loaded.items()
        if isinstance(tensor, torch.Tensor) or name in OPENAI
    }
    if not tensors:
        raise SpecError(
            "it contains no weights", where=where, hint="save a state dict: torch.save(model.state_dict(), …)"
        )
    return tensors


def _load_torch_file(path: Path) -> Any:
    if _is_safetensors(path):
        from safetensors.torch import load_file

        return load_file(path)
    mapped = zipfile.is_zipfile(path)
    if mapped and any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()):
        raise ValueError("it is a TorchScript archive, not a state dict")
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins like safetensors, with a length and a JSON object; suffixes may be lost in the store."""
    with path.open("rb") as file:
        return file.read(9)[8:9] == b"{"


def _shortened_list(names: Collection[str]) -> str:
    return _quoted_list(sorted(names)[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _quoted_list(names: Iterable[str]) -> str:
    return ", ".join(names)
