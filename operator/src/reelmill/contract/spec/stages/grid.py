"""`grid`: CLIP features of image patches, by image id."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef

PATCH = {"ViT-B-16": 16, "ViT-L-14": 14}
"""Side of a patch in pixels."""
WIDTH = {"ViT-B-16": (768, 512), "ViT-L-14": (1024, 768)}
"""Numbers of one patch: hidden, projected."""


class GridBlock(StageBlock):
    """Runs CLIP's image tower and writes the features of the patches, one array `{image_id}_grids` per image."""

    takes = frozenset({"images"})
    gives = "features"
    runs_model = True

    heavy_views = True

    model: Literal["ViT-B-16", "ViT-B-16-quickgelu", "ViT-L-14", "ViT-L-14-quickgelu"] = "ViT-B-16"
    """Architecture, as open_clip names it. OpenAI's own weights are the `-quickgelu` ones."""
    weights: FileRef
    """State dict of the whole model or of its image tower (`visual.…`); missing or extra keys are refused."""
    fit: Literal["crop", "squash"] = "crop"
    """`crop` keeps the aspect and cuts the centre out, as CLIP was trained; `squash` resizes to a square."""
    input: Literal[224, 112] = 224
    """Side in pixels that the model sees; with 112 its position embedding is interpolated."""
    grid: Literal["7x7", "14x14", "16x16"] = "7x7"
    """`7x7` averages the patches to 49 rows; 14x14 (ViT-B-16) and 16x16 (ViT-L-14) are all of them."""
    space: Literal["hidden", "projected"] = "hidden"
    """`hidden` after the last LayerNorm (768 or 1024 numbers), `projected` into CLIP's joint space (512 or 768)."""
    dtype: Literal["float32", "float16"] = "float32"
    """Of the stored features; the model computes in float32."""
    compression: Annotated[int, Field(ge=0, le=9)] = 4
    """Gzip level of hdf5, deflate level of npz; 0 stores plainly. pt and lmdb are never compressed."""
    container: Literal["hdf5", "npz", "pt", "lmdb"] = "hdf5"
    """Kind of the files."""
    merged: Literal["physical", "virtual", "none"] | None = None
    """One file of all images beside the parts: a real copy, links into the parts (hdf5 only: a reader that copies the
    file finds nothing in it), or none; absent: physical, and none with pt, which is read whole."""
    labels: FileRef | None = None
    """Text codebook, a bare tensor (classes, joint space): the class nearest to each patch is written as
    `{image_id}_labels`, in files of their own."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Images in one forward pass."""
    images_per_file: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Images in one part; the last one of a shard may hold fewer."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU where the pod has one; images that should have had one and had not are counted
    (`gpu_fallback`)."""

    @property
    def batch(self) -> int:
        return self.images_per_file

    @property
    def architecture(self) -> str:
        """The model without the way its activation is computed."""
        return self.model.removesuffix("-quickgelu")

    @property
    def side(self) -> int:
        """Patches along one side of the input."""
        return self.input // PATCH[self.architecture]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, numbers in a row) of one image."""
        rows = int(self.grid.partition("x")[0]) ** 2
        return rows, WIDTH[self.architecture][self.space == "projected"]

    @property
    def joint(self) -> int:
        """Numbers of one patch or text in CLIP's joint space."""
        return WIDTH[self.architecture][1]

    @property
    def merge(self) -> Literal["physical", "virtual", "none"]:
        """What becomes of `merged` where it is absent."""
        return self.merged or ("none" if self.container == "pt" else "physical")

    def refusals(self) -> list[str]:
        wrong = []
        if self.grid not in ("7x7", f"{self.side}x{self.side}"):
            wrong.append(
                f"{self.model} at {self.input} pixels has {self.side}x{self.side} patches: write grid: 7x7"
                + (f" or {self.side}x{self.side}" if self.side > 8 else "")
            )
        if self.merge == "virtual" and self.container != "hdf5":
            wrong.append(f"only hdf5 can be merged virtually: leave merged out with container {self.container}")
        if self.merge == "physical" and self.container == "pt":
            wrong.append("a pt file is read whole, so there is no merged one: leave merged out with container pt")
        return wrong
