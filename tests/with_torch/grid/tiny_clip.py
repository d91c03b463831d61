"""A CLIP that is small and one that is not, with seeded random weights."""

from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import torch

TINY: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
}


@cache
def model(patch: int = 16) -> Any:
    """The small one as open_clip builds it."""
    torch.manual_seed(0)
    vision = {**TINY["vision_cfg"], "patch_size": patch}
    return open_clip.CLIP(**{**TINY, "vision_cfg": vision}).eval()


def config(patch: int = 16, **more: Any) -> dict[str, Any]:
    return {**TINY, "vision_cfg": {**TINY["vision_cfg"], "patch_size": patch}, **more}


def saved(path: Path, patch: int = 16, *, image_tower: bool = False, **changed: torch.Tensor | None) -> Path:
    """Its weights; `changed` ones by name with __ for dots, None takes one out."""
    state = dict(model(patch).state_dict())
    if image_tower:
        state = {name: tensor for name, tensor in state.items() if name.startswith("visual.")}
    for name, tensor in changed.items():
        name = name.replace("__", ".")
        if tensor is None:
            del state[name]
        else:
            state[name] = tensor
    torch.save(state, path)
    return path


def full_weights(path: Path, name: str = "ViT-B-16", seed: int = 0) -> Path:
    """Image tower of a real architecture with seeded random weights, in half precision, as OpenAI's are."""
    with torch.device("meta"):
        shapes = open_clip.CLIP(**open_clip.get_model_config(name)).visual.state_dict()
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, like in shapes.items():
        is_scale = key.endswith("weight") and "ln_" in key
        value = torch.ones(like.shape) if is_scale else torch.randn(like.shape, generator=generator) * 0.03
        state[f"visual.{key}"] = value.half()
    torch.save(state, path)
    return path
