"""`pack`: webdataset tars for trainers."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import Block, StageBlock

Plugin = Annotated[
    str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$|^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$", max_length=200)
]
"""`module:Class`, or the dotted name (`company.sampler`) of an entry point in the group `reelmill.samplers`."""


_VIDEO_SAMPLERS = frozenset({"video_only", "un", "un_first", "kf"})


class PackBlock(StageBlock):
    """Packs items into self-contained, byte-reproducible tars with equal numbers of samples."""

    takes = frozenset({"videos", "spans", "documents"})
    spans_ignored = True
    gives = "tars"

    samples_per_tar: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Number of items per tar; the last tar of a shard may have fewer. Failed items are missing from their tar."""
    sampler: Literal["video_only", "un", "un_first", "kf", "interleave"] | Plugin = "video_only"
    """`video_only`: the unchanged file; `un`: frames at equal distances; `un_first`: the 11 or 12 frames of the first
    version of `un`; `kf`: key frames and other frames, with their times; `interleave`: the images of documents of a
    `documents` source; or a plugin: `module:Class`, declared in the
    module by `__reelmill__ = ["Class"]`, or the dotted name of an entry point in the group `reelmill.samplers`."""
    keys: Literal["unique", "compat"] = "unique"
    """Sample keys: `unique` in the whole data set, or counted from 0 in every tar as in the original (`compat`)."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 100
    """JPEG quality of packed frames."""
    max_side: Annotated[int, Field(ge=16, le=8192)] | None = None
    """Maximum length of the longer side in pixels; larger frames are scaled down with their aspect ratio. If absent,
    frames have their display size, in square pixels."""
    frames: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Number of frames per sample. If absent, 16 with `un` and up to 24 with `kf`."""
    key_frames: Annotated[int, Field(ge=1, le=1024)] = 8
    """Maximum number of key frames per sample with `kf`."""

    @property
    def batch(self) -> int:
        return self.samples_per_tar

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        """See `Block.misfit`."""
        documents = upstream.given == "documents"
        if documents and self.sampler in _VIDEO_SAMPLERS:
            return f"the sampler {self.sampler} packs videos, but {name!r} lists documents", "set sampler: interleave"
        if self.sampler == "interleave" and upstream.given in ("videos", "spans"):
            return (
                f"the sampler interleave packs documents, but {name!r} gives {upstream.given}",
                f"choose one of {', '.join(sorted(_VIDEO_SAMPLERS))}, or read a documents source",
            )
        if self.sampler != "video_only" or upstream.given != "spans":
            return None
        return (
            f"the sampler video_only packs whole files, but {name!r} only records spans (mode: virtual)",
            "set mode to copy in that clip stage, or choose another sampler here",
        )
