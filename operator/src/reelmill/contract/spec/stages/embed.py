"""`embed`: features of whole clips from a frozen model, computed once instead of in every epoch."""

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
    """`lip-resnet18` maps mouth crops (T, 96, 96) to (512, T). The others are CLIP image towers, by their open_clip
    names, and map a clip to (frames, width). Use a `-quickgelu` model for the weights of OpenAI."""
    weights: FileRef
    """State dict (PyTorch or safetensors), at the top level or under `model_state_dict` or `state_dict`. Missing and
    unexpected keys are errors, except for those of the `tcn` of a lip-reading model and of the text tower of CLIP."""
    config: FileRef | None = None
    """Configuration (JSON) of an open_clip model, instead of the one of `model`."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Number of clips in one forward pass of lip-resnet18; padding does not change the result. If absent, 8 on a GPU
    and 1 on a CPU."""
    window: Annotated[int, Field(ge=1, le=100_000)] = 128
    """Number of frames of a clip in one forward pass; longer clips are processed in parts, with the same result."""
    halo: Annotated[int, Field(ge=2, le=64)] = 2
    """Number of frames by which the parts of a clip overlap on each side, for lip-resnet18. Its receptive field is 2
    frames on each side."""
    frames: Annotated[int, Field(ge=1, le=1024)] = 8
    """Number of frames of a video for CLIP, at the centres of equal parts. Of samples with frames, all are used."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the computation; features are stored as float32. With bfloat16, the difference from float32 is
    measured on the first clips of every shard and recorded in the items (`precision_difference`)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU if the pod has one; clips that are processed on the CPU instead are counted
    (`gpu_fallback`)."""

    @property
    def batch(self) -> int:
        return self.batch_size or 8

    def refusals(self) -> list[str]:
        wrong = []
        if self.config is not None and self.model == LIP:
            wrong.append(f"config is not supported with {LIP}: remove it")
        if self.window <= 2 * self.halo:
            wrong.append(f"window {self.window} must be greater than twice the halo of {self.halo}")
        return wrong
