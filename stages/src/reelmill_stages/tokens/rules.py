"""Rules for packs of tokens: those of the trainer, and consistency of the fields.

A rule applies only if its fields exist, so that packs from other tools can be checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeGuard

from reelmill.contract.text.quantities import count_of
from reelmill_stages.tar.samples import IMAGES, TarProblem
from reelmill_stages.tokens.symbols import SymbolIds

MAX_TOKENS = 8000
PATCHES = 256


@dataclass(frozen=True, slots=True)
class PackRules:
    """The expected shape of packs; the defaults are those of the original trainer."""

    max_tokens: int = MAX_TOKENS
    """Exclusive maximum number of tokens of a pack."""
    patches: int = PATCHES
    """Number of patch tokens of an image."""
    symbols: SymbolIds = field(default_factory=SymbolIds)
    vocabulary: int | None = None
    """Exclusive maximum of token ids; None: unknown."""

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "PackRules":
        """Parse the output of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        symbols = SymbolIds(**{name: int(number) for name, number in row["symbols"].items()})
        size = row.get("vocabulary")
        return cls(int(row["maxTokens"]), int(row["patchesPerImage"]), symbols, None if size is None else int(size))

    def to_json(self) -> dict[str, Any]:
        return {
            "maxTokens": self.max_tokens,
            "patchesPerImage": self.patches,
            "symbols": self.symbols.to_json(),
            "vocabulary": self.vocabulary,
        }


def broken(key: str, read: Mapping[str, Any], parts: Sequence[str], shape: PackRules) -> Iterator[TarProblem]:
    """Yield the rules that a pack breaks; none for a sample that is not a pack. `parts` are the member names."""
    ids, mask = read.get("input_ids"), read.get("loss_mask")
    if ids is None and mask is None:
        return
    if not _are_ids(ids, shape.vocabulary):
        limit = f" below {shape.vocabulary}" if shape.vocabulary else ""
        yield TarProblem("ids", f"pack {key}: input_ids must be a list of non-negative integers{limit}")
        return
    if len(ids) >= shape.max_tokens:
        yield TarProblem(
            "too_long", f"pack {key} has {count_of(len(ids), 'token')}; it must have fewer than {shape.max_tokens}"
        )
    yield from _mask_problems(key, ids, mask, shape.symbols)
    yield from _image_problems(key, ids, read.get("image"), parts, shape)
    yield from _document_problems(key, ids, read, shape.symbols)


def _are_ids(ids: Any, vocabulary: int | None) -> TypeGuard[list[int]]:
    return (
        isinstance(ids, list)
        and bool(ids)
        and all(type(one) is int for one in ids)
        and min(ids) >= 0
        and (vocabulary is None or max(ids) < vocabulary)
    )


def _mask_problems(key: str, ids: Sequence[int], mask: Any, symbols: SymbolIds) -> Iterator[TarProblem]:
    if not isinstance(mask, list) or len(ids) != len(mask):
        count = len(mask) if isinstance(mask, list) else 0
        yield TarProblem(
            "mask_length", f"pack {key} has {count_of(len(ids), 'token')}, but {count_of(count, 'value')} in loss_mask"
        )
        return
    if not all(type(one) is int and one in (0, 1) for one in mask):
        yield TarProblem("mask_values", f"pack {key}: loss_mask must contain only 0 and 1")
        return
    unlearnable = symbols.of_images | {symbols.bos}
    if any(learned and one in unlearnable for one, learned in zip(ids, mask, strict=True)):
        yield TarProblem("mask_symbols", f"pack {key}: loss_mask must be 0 for the BOS token and for images")


def _image_problems(
    key: str, ids: list[int], images: Any, parts: Sequence[str], shape: PackRules
) -> Iterator[TarProblem]:
    symbols = shape.symbols
    starts, ends, patches = ids.count(symbols.start), ids.count(symbols.end), ids.count(symbols.patch)
    if starts != ends:
        yield TarProblem("image_borders", f"pack {key} has {starts} start tokens of images, but {ends} end tokens")
    if isinstance(images, list) and patches != shape.patches * len(images):
        yield TarProblem(
            "image_patches",
            f"pack {key} has {patches} patch tokens for {count_of(len(images), 'image')}; each needs {shape.patches}",
        )
    elif starts == ends and patches and not _are_blocks_whole(ids, shape):
        yield TarProblem(
            "image_blocks", f"pack {key}: an image must be a start token, {shape.patches} patch tokens and an end token"
        )
    if not isinstance(images, list):
        return
    if images != [str(number) for number in range(len(images))]:
        yield TarProblem("image_names", f"pack {key}: image must be ['0', '1', …] in this order")
    there = {part.rpartition(".")[0] for part in parts if part.rpartition(".")[2] in IMAGES}
    if missing := [str(name) for name in images if str(name) not in there]:
        yield TarProblem("image_missing", f"pack {key} lists images that are missing: {', '.join(missing[:3])}")


def _are_blocks_whole(ids: list[int], shape: PackRules) -> bool:
    """Whether each start symbol is followed by the patches and an end symbol, with no patches outside such blocks."""
    symbols, block, place, found = shape.symbols, shape.patches, 0, 0
    if not 0 <= block < len(ids):
        return False
    expected = [symbols.patch] * block
    for _ in range(ids.count(symbols.start)):
        place = ids.index(symbols.start, place) + 1
        if ids[place : place + block] != expected or ids[place + block : place + block + 1] != [symbols.end]:
            return False
        found += block
    return found == ids.count(symbols.patch)


def _document_problems(key: str, ids: list[int], read: Mapping[str, Any], symbols: SymbolIds) -> Iterator[TarProblem]:
    if ids[0] != symbols.bos or ids.count(symbols.bos) != 1:
        yield TarProblem("bos", f"pack {key}: the BOS token ({symbols.bos}) must occur once, as the first token")
    offsets, texts = read.get("document_offsets"), read.get("text")
    if offsets is None:
        return
    sound = isinstance(offsets, list) and len(offsets) > 1 and all(type(one) is int for one in offsets)
    if not sound or offsets[0] != 0 or offsets[-1] != len(ids) or any(one >= two for one, two in pairwise(offsets)):
        yield TarProblem("document_offsets", f"pack {key}: document_offsets must rise from 0 to {len(ids)}")
        return
    if isinstance(texts, list) and len(texts) != len(offsets) - 1:
        yield TarProblem(
            "text_count", f"pack {key} has {count_of(len(texts), 'text')}, but {count_of(len(offsets) - 1, 'document')}"
        )
    if "position_ids" in read:
        expected = [place for one, two in pairwise(offsets) for place in range(two - one)]
        if read["position_ids"] != expected:
            yield TarProblem("position_ids", f"pack {key}: position_ids must restart at 0 with each document")
