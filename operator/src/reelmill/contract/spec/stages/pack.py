"""`pack`: webdataset tars that trainers open without preparation."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import Block, StageBlock

Plugin = Annotated[
    str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$|^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$", max_length=200)
]
"""`module:Class`, or the dotted name (`company.sampler`) of an entry point in the group `reelmill.samplers`."""


class PackBlock(StageBlock):
    """Packs items into tars of equal numbers of samples, self-contained and byte-reproducible."""

    takes = frozenset({"videos", "spans"})
    gives = "tars"

    samples_per_tar: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Samples in one tar; the last one of a shard may hold fewer, and items that failed leave their places empty."""
    sampler: Literal["video_only", "un", "un_first", "kf"] | Plugin = "video_only"
    """`video_only` packs the untouched file; `un` frames at equal distance; `un_first` those of the first version of
    `un`, 11 or 12; `kf` key frames and others, with their times; or one's own: `module:Class`, declared in the module
    by `__reelmill__ = ["Class"]`, or the dotted name of an entry point in the group `reelmill.samplers`."""
    keys: Literal["unique", "compat"] = "unique"
    """`unique` over the whole data set; `compat` counts from 0 in every tar, as the original did."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 100
    """Quality of packed frames."""
    max_side: Annotated[int, Field(ge=16, le=8192)] | None = None
    """Frames with a longer side are reduced to it, aspect kept; absent: as decoded."""
    frames: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Frames of one sample; absent: 16 with `un`, up to 24 with `kf`."""
    key_frames: Annotated[int, Field(ge=1, le=1024)] = 8
    """With `kf`: so many of the frames are key frames at most."""

    @property
    def batch(self) -> int:
        return self.samples_per_tar

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        if self.sampler != "video_only" or upstream.given != "spans":
            return None
        return (
            f"the sampler video_only packs whole files, but {name!r} only marks spans (mode: virtual)",
            "set mode: copy in that clip stage, or another sampler here",
        )
