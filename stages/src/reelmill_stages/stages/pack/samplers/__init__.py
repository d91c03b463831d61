"""The samplers by name, which turn one video into a sample of a tar: those of reelmill, and plug-ins."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages import user_code
from reelmill_stages.stages.pack.sample import Sampler

GROUP = "reelmill.samplers"

SAMPLERS = {
    "video_only": "reelmill_stages.stages.pack.samplers.video_only:VideoOnly",
    "un": "reelmill_stages.stages.pack.samplers.un:Uniform",
    "un_first": "reelmill_stages.stages.pack.samplers.un:FirstUniform",
    "kf": "reelmill_stages.stages.pack.samplers.kf:KeyFrames",
    "interleave": "reelmill_stages.stages.pack.samplers.interleave:Interleave",
}
"""To add a sampler, add one line here and one file."""


def load(block: PackBlock) -> Sampler:
    """Load the sampler that the block names.

    Raises SpecError for a plug-in that does not exist, is not declared (see `declared`; an entry point of an installed
    package is a declaration too), or is not a sampler.
    """
    found = _sampler_class(block.sampler)
    if not (isinstance(found, type) and callable(getattr(found, "sample", None))):
        raise SpecError(
            f"{block.sampler} is not a sampler",
            where="sampler",
            hint="a sampler is a class with __init__(block) and sample(clip) -> Sample",
        )
    sampler: Sampler = found(block)
    return sampler


def _sampler_class(name: str) -> Any:
    if name in SAMPLERS:
        module, _, attribute = SAMPLERS[name].partition(":")
        return getattr(import_module(module), attribute)
    if ":" in name:
        return user_code.load(name, "sampler")
    for entry in entry_points(group=GROUP, name=name):
        try:
            return entry.load()
        except Exception as error:
            raise SpecError(
                f"the sampler {name} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}",
                where="sampler",
                hint="fix or reinstall the package that provides it",
            ) from error
    raise SpecError(
        f"no installed package has an entry point {name!r} in the group {GROUP}",
        where="sampler",
        hint="install the package that provides it, also in the image of the stages, or write module:Class",
    )
