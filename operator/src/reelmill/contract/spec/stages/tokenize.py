"""`tokenize`: tokenize the samples of tars and pack them to a fixed length."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import Block, StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.pack import PackBlock

SymbolName = Annotated[str, Field(min_length=2, max_length=64)]


class SymbolNames(SpecModel):
    """Names of special symbols in the tokenizer."""

    patch: SymbolName = "<im_patch>"
    """A patch of an image."""
    start: SymbolName = "<im_start>"
    """Start of the patches of an image."""
    end: SymbolName = "<im_end>"
    """End of the patches of an image."""
    bos: SymbolName = "<s>"
    """Beginning of a pack."""
    eos: SymbolName = "</s>"
    """End of an answer."""


class TokenizeBlock(StageBlock):
    """Tokenizes captions and conversations with their images and packs them to a fixed length, with loss masks."""

    takes = frozenset({"tars"})
    gives = "tars"

    tokenizer: FileRef
    """A sentencepiece model, or a `tokenizer.json` for the tokenizers package."""
    symbols: SymbolNames = SymbolNames()
    """Names of special symbols. A tokenizer without one of them is rejected before any item is processed."""
    max_tokens: Annotated[int, Field(ge=16, le=1_048_576)] = 8000
    """Exclusive upper limit of the number of tokens of a pack, and of a sample."""
    patches_per_image: Annotated[int, Field(ge=1, le=16_384)] = 256
    """Number of patch symbols for each image, between its start and end symbols."""
    packing: Literal["greedy", "best-fit"] = "greedy"
    """`greedy`: in the order of the samples, as in the original; `best-fit`: each sample, the longest first, into the
    pack that it fills best, which gives fewer packs."""
    overlong: Literal["drop", "cut"] = "drop"
    """A sample that does not fit is dropped, or its answer is cut; images are never cut."""
    tars_per_tar: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Number of input tars whose samples are packed into one tar; `shard_size` in the original."""
    max_image_side: Annotated[int, Field(ge=16, le=16_384)] | None = 1280
    """Maximum length of the longer side in pixels; larger images are scaled down. If absent, images are not scaled."""
    image_fit: Literal["keep", "squash"] = "keep"
    """Scale images down with their aspect ratio (`keep`), or to a square as in the original (`squash`)."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 100
    """JPEG quality of images that are scaled or that are not JPEG; all others are copied unchanged."""
    keys: Literal["unique", "compat"] = "unique"
    """`unique` in the whole data set, or, as in the original (`compat`), `{tar}-{sample}` of the last sample of a
    pack."""

    @property
    def batch(self) -> int:
        return self.tars_per_tar

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        if not (isinstance(upstream, PackBlock) and upstream.sampler == "video_only"):
            return None
        return (
            f"a tokenize stage reads images, but {name!r} packs whole videos (sampler: video_only)",
            "read a pack stage with sampler un or kf",
        )

    def refusals(self) -> list[str]:
        wrong = []
        if self.max_tokens < self.patches_per_image + 4:
            wrong.append(f"maxTokens {self.max_tokens} is too small for one image of {self.patches_per_image} patches")
        if self.keys == "compat" and self.packing != "greedy":
            wrong.append("keys compat requires packing greedy")
        return wrong
