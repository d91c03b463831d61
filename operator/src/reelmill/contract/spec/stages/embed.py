"""`embed`: features of whole clips from a frozen model, computed once instead of in every epoch."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef

LIP = "lip-resnet18"
VIDEO = "torchvision/"
"""Prefix of the names of video towers."""
VIDEO_TOWERS = (
    "mc3_18", "mvit_v1_b", "mvit_v2_s", "r2plus1d_18", "r3d_18", "s3d", "swin3d_b", "swin3d_s", "swin3d_t"
)  # fmt: skip
"""torchvision's video models."""
_LEAST = {"mvit_v1_b": 16, "mvit_v2_s": 16, "s3d": 14}
"""Minimum number of frames of a video tower; for MViT models, also the maximum."""
OF_VECTORS = ("shape", "precision_difference")
"""Fields of vectors that the stage sets; an input's fields with these names are kept in its provenance."""


class EmbedBlock(StageBlock):
    """Runs a model over the frames of every item and writes `{name}_embedding.npz`, one file per item."""

    takes = frozenset({"crops", "videos", "spans", "samples"})
    spans_ignored = True
    gives = "embeddings"
    runs_model = True

    model: Annotated[str, Field(max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "lip-resnet18"
    """`lip-resnet18` maps mouth crops (T, 96, 96) to (512, T). `torchvision/NAME` is a video tower of torchvision
    without its classifier, such as `torchvision/mvit_v2_s`, and maps a clip to (1, width). Any other name is an
    open_clip model, such as `ViT-B-32`, `convnext_base` or `ViT-B-16-SigLIP`, whose image tower maps a clip to (frames,
    width). Use a `-quickgelu` model for the weights of OpenAI."""
    weights: FileRef
    """State dict (PyTorch or safetensors), at the top level or under `model_state_dict` or `state_dict`. Missing and
    unexpected keys are errors, except for those of the `tcn` of a lip-reading model and of the text tower of CLIP."""
    config: FileRef | None = None
    """Configuration (JSON) of an open_clip model, instead of the one of `model`. Its `preprocess_cfg`, if it has one,
    says how frames are prepared."""
    pretrained: Annotated[str, Field(max_length=80)] = ""
    """Tag of the weights in open_clip, such as `laion400m_e32`, which says how frames are prepared. If absent, they are
    prepared as for most of the published weights of the model. Nothing is downloaded."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Number of clips in one forward pass of lip-resnet18; padding does not change the result. If absent, 8 on a GPU
    and 1 on a CPU."""
    window: Annotated[int, Field(ge=1, le=100_000)] = 128
    """Number of frames of a clip in one forward pass; longer clips are processed in parts, with the same result."""
    halo: Annotated[int, Field(ge=2, le=64)] = 2
    """Number of frames by which the parts of a clip overlap on each side, for lip-resnet18. Its receptive field is 2
    frames on each side."""
    frames: Annotated[int, Field(ge=1, le=1024)] = 8
    """Number of frames of a video, at the centres of equal parts. Of samples with frames, an image tower uses all; a
    video tower takes this number of them, with repetition if there are fewer."""
    vectors: Literal["none", "npy", "parquet"] = "none"
    """One vector per clip besides its file: the mean of its features over time, float32 (width,). `parquet`: files with
    columns `key` and `vector`; `npy`: arrays (clips, width), each with a file of the clips' keys, one JSON string a
    line."""
    vectors_per_file: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Number of clips per file of `vectors`; shards are cut at multiples of it."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the computation; features are stored as float32. With bfloat16, the difference from float32 is
    measured on the first clips of every shard and recorded in the items (`precision_difference`)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU if the pod has one; clips that are processed on the CPU instead are counted
    (`gpu_fallback`)."""

    @property
    def output_version(self) -> int:
        """2 with `config`: frames are prepared as it says."""
        return 2 if self.config else super().output_version

    @property
    def batch(self) -> int:
        return self.vectors_per_file if self.vectors != "none" else self.forward

    @property
    def forward(self) -> int:
        """Number of clips in one forward pass."""
        return self.batch_size or 8

    def refusals(self) -> list[str]:
        wrong = []
        if self.config is not None and self.model == LIP:
            wrong.append(f"config is not supported with {LIP}: remove it")
        is_video = self.model.startswith(VIDEO)
        wrong += [
            f"{name} is not supported with {self.model}: remove it"
            for name in ("config", "pretrained")
            if getattr(self, name) and is_video
        ]
        if self.pretrained and self.config is not None:
            wrong.append("pretrained and config cannot be combined: remove pretrained")
        if self.pretrained and self.model == LIP:
            wrong.append(f"pretrained is not supported with {LIP}: remove it")
        if is_video:
            wrong += self._video_refusals(self.model.removeprefix(VIDEO))
        if self.window <= 2 * self.halo:
            wrong.append(f"window {self.window} must be greater than twice the halo of {self.halo}")
        return wrong

    def _video_refusals(self, name: str) -> list[str]:
        if name not in VIDEO_TOWERS:
            return [f"torchvision has no video tower {name}: choose one of {', '.join(VIDEO_TOWERS)}"]
        least = _LEAST.get(name, 1)
        exact = name.startswith("mvit")
        if self.frames < least or (exact and self.frames != least):
            return [f"{self.model} needs {'' if exact else 'at least '}{least} frames: set frames to {least}"]
        return []
