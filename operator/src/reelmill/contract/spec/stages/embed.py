"""`embed`: features of whole clips by a frozen model, computed once instead of in every epoch."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef

LIP = "lip-resnet18"


class EmbedBlock(StageBlock):
    """Runs a model over the frames of every item and writes `{name}_embedding.npz`, one file per item."""

    takes = frozenset({"crops", "videos", "spans", "samples"})
    gives = "embeddings"
    runs_model = True

    model: Literal[
        "lip-resnet18",
        "ViT-B-32",
        "ViT-B-32-quickgelu",
        "ViT-B-16",
        "ViT-B-16-quickgelu",
        "ViT-L-14",
        "ViT-L-14-quickgelu",
    ] = "lip-resnet18"
    """`lip-resnet18` makes (512, T) of mouth crops (T, 96, 96); the others are CLIP's image towers as open_clip names
    them, and make (frames, width) of a clip. OpenAI's own weights are the `-quickgelu` ones."""
    weights: FileRef
    """State dict (PyTorch or safetensors), bare or under `model_state_dict` or `state_dict`. Missing and extra keys are
    refused by name; of a lip-reading model those of its `tcn` are passed over, of a CLIP those of its text tower."""
    config: FileRef | None = None
    """Configuration of an open_clip model (JSON) in place of the one that `model` names."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Clips of lip-resnet18 in one forward pass; shorter ones are padded after they are normalised, and cut again: the
    numbers stay. Absent: 8 on a GPU, 1 on a CPU, where more are slower."""
    window: Annotated[int, Field(ge=1, le=100_000)] = 128
    """Frames of a clip in one forward pass; longer clips are done in pieces, which gives the same numbers."""
    halo: Annotated[int, Field(ge=2, le=64)] = 2
    """With lip-resnet18: frames by which pieces overlap on each side; the model looks 2 frames far."""
    frames: Annotated[int, Field(ge=1, le=1024)] = 8
    """With CLIP: frames of a video, the middles of equal parts. Of samples with frames all are taken."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the computation; what is stored is float32. With bfloat16 the difference to float32 is measured on the first
    clips of every shard and written into the items (`precision_difference`)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU where the pod has one; clips that should have had one and had not are counted
    (`gpu_fallback`)."""

    @property
    def batch(self) -> int:
        return self.batch_size or 8

    def refusals(self) -> list[str]:
        wrong = []
        if self.config is not None and self.model == LIP:
            wrong.append(f"{LIP} has no configuration: leave config out")
        if self.window <= 2 * self.halo:
            wrong.append(f"window {self.window} leaves nothing between two halos of {self.halo}: make it larger")
        return wrong
