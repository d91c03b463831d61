"""`grid`: CLIP features of image patches, by image id."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef

PATCH = {"ViT-B-16": 16, "ViT-L-14": 14}
"""Side length of a patch in pixels."""
WIDTH = {"ViT-B-16": (768, 512), "ViT-L-14": (1024, 768)}
"""Number of features of a patch: (hidden, projected)."""


class GridBlock(StageBlock):
    """Runs a CLIP image tower and writes the features of its patches, one array `{image_id}_grids` per image."""

    takes = frozenset({"images"})
    gives = "features"
    runs_model = True

    heavy_views = True

    model: Literal["ViT-B-16", "ViT-B-16-quickgelu", "ViT-L-14", "ViT-L-14-quickgelu"] = "ViT-B-16"
    """Architecture, by its open_clip name. Use a `-quickgelu` model for the weights of OpenAI."""
    weights: FileRef
    """State dict of the whole model or of its image tower (`visual.…`); missing or unexpected keys are errors."""
    fit: Literal["crop", "squash"] = "crop"
    """`crop`: keep the aspect ratio and crop the centre, as in the training of CLIP; `squash`: resize to a square."""
    input: Literal[224, 112] = 224
    """Side length of the model's input in pixels; with 112, the position embedding is interpolated."""
    grid: Literal["7x7", "14x14", "16x16"] = "7x7"
    """Rows of features per image: `7x7` averages patches to 49 rows; 14x14 (ViT-B-16) and 16x16 (ViT-L-14) have a row
    for each patch."""
    space: Literal["hidden", "projected"] = "hidden"
    """`hidden`: after the last LayerNorm (768 or 1024 features); `projected`: in the joint space of CLIP (512 or
    768)."""
    dtype: Literal["float32", "float16"] = "float32"
    """Type of the stored features; the model computes in float32."""
    compression: Annotated[int, Field(ge=0, le=9)] = 4
    """Gzip level of hdf5 and deflate level of npz; 0: no compression. pt and lmdb are never compressed."""
    container: Literal["hdf5", "npz", "pt", "lmdb"] = "hdf5"
    """Format of the files."""
    merged: Literal["physical", "virtual", "none"] | None = None
    """A file with all images besides the parts: a copy, external links into the parts (hdf5 only; not usable without
    the parts), or none. If absent, physical; with container pt, none."""
    labels: FileRef | None = None
    """Text codebook, a tensor (classes, joint space). The class nearest to each patch is written as
    `{image_id}_labels`, in separate files."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Number of images in one forward pass."""
    images_per_file: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Number of images per part; the last part of a shard may have fewer."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU if the pod has one; images that are processed on the CPU instead are counted
    (`gpu_fallback`)."""

    @property
    def batch(self) -> int:
        return self.images_per_file

    @property
    def architecture(self) -> str:
        """The model's name without its activation function."""
        return self.model.removesuffix("-quickgelu")

    @property
    def side(self) -> int:
        """Number of patches along a side of the input."""
        return self.input // PATCH[self.architecture]

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the features of one image: (rows, features)."""
        rows = int(self.grid.partition("x")[0]) ** 2
        return rows, WIDTH[self.architecture][self.space == "projected"]

    @property
    def joint(self) -> int:
        """Number of features of a patch or text in the joint space of CLIP."""
        return WIDTH[self.architecture][1]

    @property
    def merge(self) -> Literal["physical", "virtual", "none"]:
        """The value of `merged`, or its default."""
        return self.merged or ("none" if self.container == "pt" else "physical")

    def refusals(self) -> list[str]:
        wrong = []
        if self.grid not in ("7x7", f"{self.side}x{self.side}"):
            wrong.append(
                f"{self.model} at {self.input} pixels has {self.side}x{self.side} patches: set grid to 7x7"
                + (f" or {self.side}x{self.side}" if self.side > 8 else "")
            )
        if self.merge == "virtual" and self.container != "hdf5":
            wrong.append(f"merged virtual requires container hdf5: remove merged with container {self.container}")
        if self.merge == "physical" and self.container == "pt":
            wrong.append("merged physical is not supported with container pt: remove merged")
        return wrong
