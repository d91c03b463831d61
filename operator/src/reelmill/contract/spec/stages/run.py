"""`run`: a custom stage class, from a custom image."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from reelmill.contract.spec.block import StageBlock

_DIGEST = "@sha256:"


class RunBlock(StageBlock):
    """Runs your own stage class with the ledger, retries, checkpoints and commits of built-in stages."""

    heavy_views: ClassVar[bool] = True
    # Only the class determines whether its views are expensive. With True, the planner requests them again at the end,
    # which does nothing if they are up to date.

    image: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^\S+$")] | None = None
    """Container image of this stage's pods, based on the image of reelmill-stages. If absent, `image` of the stage. Use
    a digest (`name@sha256:…`): a new digest runs the stage again, whereas a change of a tag is not detected."""
    entrypoint: Annotated[
        str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", min_length=3, max_length=256)
    ]
    """`module:Class`, importable in the image; on one machine, in the Python environment that runs reelmill. The module
    declares the class: `__reelmill__ = ["Class"]`."""
    own_params: Annotated[dict[str, Any], Field(alias="params", max_length=64)] = Field(default_factory=dict)
    """Parameters of the class, validated by its model (`block_type`). All of them are part of the stage key."""

    @property
    def pod_image(self) -> str | None:
        return self.image

    def canonical(self) -> dict[str, Any]:
        """Like `Block.canonical`, but with only the digest of the image, so that moving a registry changes no key."""
        found = super().canonical()
        if self.image and _DIGEST in self.image:
            found["image"] = self.image.rpartition("@")[2]
        return found
