"""`tokenize`: samples of tars become packs of tokens, ready for a trainer of fixed length."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.block import Block, StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.pack import PackBlock

SymbolName = Annotated[str, Field(min_length=2, max_length=64)]


class SymbolNames(Model):
    """How the tokenizer calls the symbols that packs need."""

    patch: SymbolName = "<im_patch>"
    """Stands for one patch of an image."""
    start: SymbolName = "<im_start>"
    """Before the patches of an image."""
    end: SymbolName = "<im_end>"
    """After them."""
    bos: SymbolName = "<s>"
    """Begins a pack."""
    eos: SymbolName = "</s>"
    """Ends an answer."""


class TokenizeBlock(StageBlock):
    """Tokenizes captions and conversations with their images and packs them to a fixed length, with loss masks."""

    takes = frozenset({"tars"})
    gives = "tars"

    tokenizer: FileRef
    """A sentencepiece model, or a `tokenizer.json` of the package tokenizers."""
    symbols: SymbolNames = SymbolNames()
    """A tokenizer that lacks one of them is refused before any item is touched."""
    max_tokens: Annotated[int, Field(ge=16, le=1_048_576)] = 8000
    """Every pack, and every sample, is shorter than this."""
    patches_per_image: Annotated[int, Field(ge=1, le=16_384)] = 256
    """An image is its start, so many patches, and its end."""
    packing: Literal["greedy", "best-fit"] = "greedy"
    """`greedy` in the order of the samples, as the original; `best-fit` puts each sample, the longest first, where it
    leaves the least room: fewer and fuller packs."""
    overlong: Literal["drop", "cut"] = "drop"
    """A sample that does not fit is left out, or its answer is cut to fit; its images never are."""
    tars_per_tar: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Input tars whose samples are packed together into one tar; the original's `shard_size`."""
    max_image_side: Annotated[int, Field(ge=16, le=16_384)] | None = 1280
    """Images with a longer side are reduced to it; absent: as they are."""
    image_fit: Literal["keep", "squash"] = "keep"
    """How: with their shape kept, or squashed to a square, as the original did."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 100
    """Quality of images that had to be reduced or were no JPEG; all others keep their bytes."""
    keys: Literal["unique", "compat"] = "unique"
    """`unique` over the whole data set; `compat`: `{tar}-{sample}` of the sample that closed a pack, as before."""

    @property
    def batch(self) -> int:
        return self.tars_per_tar

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        if not (isinstance(upstream, PackBlock) and upstream.sampler == "video_only"):
            return None
        return (
            f"a tokenize stage reads images, but {name!r} packs whole videos (sampler: video_only)",
            "read a pack stage with the sampler un or kf",
        )

    def refusals(self) -> list[str]:
        wrong = []
        if self.max_tokens < self.patches_per_image + 4:
            wrong.append(
                f"maxTokens {self.max_tokens} leaves no room for one image of {self.patches_per_image} patches"
            )
        if self.keys == "compat" and self.packing != "greedy":
            wrong.append("keys compat name the sample that closed a pack: only packing greedy has one")
        return wrong
