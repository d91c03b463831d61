"""The text codebook that assigns a class to each patch: a tensor (classes, joint space)."""

import pickle
from pathlib import Path

import torch

from reelmill.contract.errors import SpecError


def read_codebook(path: Path, width: int, where: str = "") -> torch.Tensor:
    """Read a codebook, float32 (classes, width). Raises SpecError for any other content, such as a dict."""
    where = where or str(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise SpecError(f"no tensor can be read: {first[:200]}", where=where) from error
    if not isinstance(found, torch.Tensor):
        raise SpecError(
            f"the codebook is a {type(found).__name__}, not a tensor",
            where=where,
            hint="save the tensor itself: torch.save(codebook['embeddings'], path)",
        )
    if found.ndim != 2 or found.shape[1] != width or not len(found):
        raise SpecError(
            f"the codebook has shape {tuple(found.shape)} instead of (classes, {width})",
            where=where,
            hint="create it with the text tower of the same model",
        )
    if not torch.isfinite(found).all():
        raise SpecError("the codebook contains values that are not numbers", where=where)
    return found.float()
