"""Regions of pictures that are hidden, such as watermarks."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.spec_model import SpecModel

Share = Annotated[float, Field(ge=0, le=1)]
Extent = Annotated[float, Field(gt=0, le=1)]


class HiddenRegion(SpecModel):
    """A rectangle in shares of the displayed picture: 0.5 is half of its width or height."""

    left: Share
    """Distance from the left edge, in shares of the width."""
    top: Share
    """Distance from the upper edge, in shares of the height."""
    width: Extent
    """Width, in shares of the width of the picture."""
    height: Extent
    """Height, in shares of the height of the picture."""

    @property
    def exceeds(self) -> bool:
        """Whether the region extends beyond the picture."""
        return max(self.left + self.width, self.top + self.height) > 1 + 1e-9


class HiddenRegions(SpecModel):
    """Regions that are hidden in every frame, by one method."""

    regions: Annotated[list[HiddenRegion], Field(min_length=1, max_length=16)]
    """The regions; they may overlap. They are extended to even pixels, because pixels share their colour."""
    method: Literal["box", "blur"] = "box"
    """`box` replaces the region by black. `blur` averages its pixels over about half of its shorter side; large text
    may remain recognisable."""

    def refusals(self) -> list[str]:
        """Return problems of the regions, one message each."""
        return [
            f"hide.regions[{number}] extends beyond the picture: left + width and top + height must be at most 1"
            for number, region in enumerate(self.regions)
            if region.exceeds
        ]
