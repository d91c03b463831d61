"""What a family of models gives the stage: how an item becomes the model's input, and the model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.embed import LIP, EmbedBlock
from reelmill_stages.models.device import Device
from reelmill_stages.stage import Input, ReadFile, Work

Array = np.ndarray[Any, Any]
Model = Callable[[Sequence[Array]], list[Array]]
"""Inputs of one batch to float32 features, one each, in order. The inputs may be of unequal length."""
Fetch = Callable[[FileRef], Path]
"""A file that a parameter names, as a local one."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item as the model wants it. `name` is that of its output, a path without `_embedding.npz`."""

    array: Array
    name: str
    seconds: float
    """Of video; 0 where nobody knows."""
    fields: Mapping[str, Any] = field(default_factory=dict)


class Family(Protocol):
    """One family; `block` is validated already."""

    packages: Sequence[str]
    """What the model needs besides numpy."""

    def __init__(self, block: EmbedBlock) -> None: ...

    def check(self, fetch: Fetch) -> None:
        """Look into the weights without loading them. Raises SpecError naming wrong keys."""
        ...

    def prepare(self, given: Input, work: Work) -> Prepared:
        """In a worker, without torch. Raises ItemError."""
        ...

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        """The model with its weights. Raises SpecError naming wrong keys."""
        ...

    def size(self, items: int, weight: float) -> int:
        """Bytes of features, roughly."""
        ...


def family(block: EmbedBlock) -> Family:
    """The family of a block's model."""
    module, name = ("lip", "Lips") if block.model == LIP else ("clip_images", "ClipImages")
    made: Family = getattr(import_module(f"reelmill_stages.stages.embed.{module}"), name)(block)
    return made
