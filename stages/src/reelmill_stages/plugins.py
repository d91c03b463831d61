"""The interfaces of custom samplers and caption adapters, which a pipeline names as `module:name`.

    from reelmill_stages.plugins import Caption, PackInput, UnkeyedSample

A sampler is a class for `pack: {sampler: "module:Class"}`; it implements `Sampler`. A caption adapter is a function for
`captions: {dataset: "module:function"}`, of the type `CaptionSet`. The module declares both in `__reelmill__`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelmill.contract.errors import ItemError, SpecError
    from reelmill.contract.spec.stages.pack import PackBlock
    from reelmill_stages.sources.caption_sets import Caption, CaptionSet
    from reelmill_stages.stage import File
    from reelmill_stages.stages.pack.sample import PackInput, Sampler, UnkeyedSample
else:
    from reelmill_stages.lazy import lazy

    __getattr__ = lazy(
        __name__,
        {
            "reelmill.contract.errors": "ItemError SpecError",
            "reelmill.contract.spec.stages.pack": "PackBlock",
            "reelmill_stages.sources.caption_sets": "Caption CaptionSet",
            "reelmill_stages.stage": "File",
            "reelmill_stages.stages.pack.sample": "PackInput Sampler UnkeyedSample",
        },
    )

__all__ = [
    "Caption",
    "CaptionSet",
    "File",
    "ItemError",
    "PackBlock",
    "PackInput",
    "Sampler",
    "SpecError",
    "UnkeyedSample",
]
