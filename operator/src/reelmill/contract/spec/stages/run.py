"""`run`: a stage class of one's own, from one's own image."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from reelmill.contract.spec.block import StageBlock

_DIGEST = "@sha256:"


class RunBlock(StageBlock):
    """Runs a stage class of your own with all that reelmill's stages get: ledger, retries, checkpoints, commit."""

    heavy_views: ClassVar[bool] = True
    # Only the class knows. The planner asks for the views once more at the end, where there is nothing to do if it
    # had them made all along.

    image: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^\S+$")] | None = None
    """Image of this stage's pods, made from reelmill's stages image; absent: the stage's `image`. Give it by digest
    (`name@sha256:…`): another digest does the work again, while a tag that is moved is not noticed."""
    entrypoint: Annotated[
        str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", min_length=3, max_length=256)
    ]
    """`module:Class`: importable in the image's Python, and on one machine in the Python that runs reelmill. The module
    declares the class: `__reelmill__ = ["Class"]`."""
    own_params: Annotated[dict[str, Any], Field(alias="params", max_length=64)] = Field(default_factory=dict)
    """Parameters of the class, checked by its own model (`block_type`). All that is written here is in the key."""

    @property
    def pod_image(self) -> str | None:
        return self.image

    def canonical(self) -> dict[str, Any]:
        """With the image as its digest alone, so that a registry that moves changes no key."""
        found = super().canonical()
        if self.image and _DIGEST in self.image:
            found["image"] = self.image.rpartition("@")[2]
        return found
