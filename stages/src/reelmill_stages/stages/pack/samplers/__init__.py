"""What becomes of one video in a tar, by name: the samplers that come with reelmill, and everybody's own."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.pack.sample import Sampler

GROUP = "reelmill.samplers"

SAMPLERS = {
    "video_only": "reelmill_stages.stages.pack.samplers.video_only:VideoOnly",
    "un": "reelmill_stages.stages.pack.samplers.un:Uniform",
    "un_first": "reelmill_stages.stages.pack.samplers.un:FirstUniform",
    "kf": "reelmill_stages.stages.pack.samplers.kf:KeyFrames",
}
"""Adding a sampler is one line here and one file."""


def load(block: PackBlock) -> Sampler:
    """The sampler that the block names. Raises SpecError for a plug-in that is not installed or has no such class."""
    made = _class(block.sampler)(block)
    if not callable(getattr(made, "sample", None)):
        raise SpecError(
            f"{block.sampler} has no method sample(clip)",
            where="sampler",
            hint="a sampler is a class with __init__(block) and sample(clip) -> Sample",
        )
    sampler: Sampler = made
    return sampler


def _class(name: str) -> Any:
    if name not in SAMPLERS and ":" not in name:
        for entry in entry_points(group=GROUP, name=name):
            return entry.load()
        raise SpecError(
            f"no installed package has an entry point {name!r} in the group {GROUP}",
            where="sampler",
            hint="install the package that brings it, into the stages' image too, or write module:Class",
        )
    module, _, attribute = SAMPLERS.get(name, name).partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        if name in SAMPLERS:
            raise
        raise SpecError(
            f"the sampler {name} cannot be loaded: {error}",
            where="sampler",
            hint="the module must be importable where the stages run: install it into their image",
        ) from error
