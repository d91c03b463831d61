"""The lip-reading model as a function, for readers of frames without an embedding. Requires torch."""

from pathlib import Path
from typing import Any

import numpy as np

from reelmill_stages.models.extra import load
from reelmill_stages.stages.embed.lip import LipModel, load_lip_weights

_WINDOW, _HALO = 128, 2


class LipEncoder:
    """Maps prepared frames, float32 (T, 88, 88), to an embedding, float32 (512, T), as the embed stage does.

    `weights` is the file with the state dict, `device` a torch device. The weights are loaded at the first call in each
    process. Raises SpecError for missing or unexpected keys in them.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        self._weights = Path(weights)
        self._device = device
        self._model: LipModel | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_model": None}

    def __call__(self, frames: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        if self._model is None:
            weights = load_lip_weights(self._weights, str(self._weights))
            network = load("reelmill_stages.stages.embed.lip_network").LipNetwork(weights, self._device)
            self._model = LipModel(network, 1, _WINDOW, _HALO)
        return self._model([frames])[0]
