"""Packs of tokens for a training loop, with what keeps their documents apart.

A map-style dataset: a `DataLoader` shares it between workers; `order.Order` shuffles it and resumes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from reelmill.contract.errors import SpecError
from reelmill_stages.datasets.frames_in_tars import images, need_torch
from reelmill_stages.datasets.tar_set import TarSet

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100
"""The label of a token that is not learned: what torch's cross entropy passes over."""


class TokenPack(NamedTuple):
    """One pack of n tokens; in a batch of b packs, tokens are (b, n) with the longest n, and the rest are lists."""

    input_ids: "Tensor"
    """int64 (n,)."""
    labels: "Tensor"
    """int64 (n,): the token itself where it is learned, else -100. Not shifted: the model does that."""
    position_ids: "Tensor"
    """int64 (n,): from 0 in every document."""
    document_ids: "Tensor"
    """int64 (n,): 0 in the first document, 1 in the next, …; -1 where a batch is filled up."""
    offsets: "Tensor"
    """int32 (documents + 1,): where documents begin and the last one ends, as flash attention's cu_seqlens."""
    images: "Tensor"
    """uint8 (images, 3, height, width) RGB, in the order of their places among the tokens."""
    key: str


class PackedTokens:
    """The packs of a folder (see `TarSet` for `where`).

    `image_size` (height, width) makes all images of one shape; None leaves them out. Packs of other makers, without
    `document_offsets`, are one document each. Raises SpecError without torch.
    """

    def __init__(
        self, where: str, *, image_size: tuple[int, int] | None = None, endpoint: str = "", region: str = ""
    ) -> None:
        need_torch()
        self.tars = TarSet(where, endpoint=endpoint, region=region)
        self._size = image_size

    def __len__(self) -> int:
        return len(self.tars)

    def __getitem__(self, index: int) -> TokenPack:
        """Raises SpecError for a sample that is no pack."""
        import torch

        found = self.tars[index]
        ids, mask = found.fields.get("input_ids"), found.fields.get("loss_mask")
        if not isinstance(ids, list) or not isinstance(mask, list) or len(ids) != len(mask):
            raise SpecError("it is no pack of tokens", where=found.key, hint="reelmill check says more")
        offsets = found.fields.get("document_offsets", [0, len(ids)])
        tokens = torch.tensor(ids)
        lengths = [two - one for one, two in pairwise(offsets)]
        return TokenPack(
            input_ids=tokens,
            labels=torch.where(torch.tensor(mask) == 1, tokens, IGNORED),
            position_ids=torch.cat([torch.arange(length) for length in lengths]),
            document_ids=torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)),
            offsets=torch.tensor(offsets, dtype=torch.int32),
            images=images(found, list(found.fields.get("image", ())) if self._size else [], self._size),
            key=found.key,
        )


class Batch(NamedTuple):
    """Packs side by side, filled up to the longest; see `TokenPack`."""

    input_ids: "Tensor"
    labels: "Tensor"
    position_ids: "Tensor"
    document_ids: "Tensor"
    offsets: "list[Tensor]"
    images: "list[Tensor]"
    keys: list[str]


def side_by_side(packs: Sequence[TokenPack]) -> Batch:
    """A batch, for `DataLoader(collate_fn=side_by_side)`: filled up with token 0, which is not learned."""
    from torch.nn.utils.rnn import pad_sequence

    def filled(name: str, value: int) -> "Tensor":
        return pad_sequence([getattr(pack, name) for pack in packs], batch_first=True, padding_value=value)

    return Batch(
        filled("input_ids", 0),
        filled("labels", IGNORED),
        filled("position_ids", 0),
        filled("document_ids", -1),
        [pack.offsets for pack in packs],
        [pack.images for pack in packs],
        [pack.key for pack in packs],
    )


def within_documents(document_ids: "Tensor") -> "Tensor":
    """Masks, bool (b, 1, n, n): which tokens each may look at: earlier ones, and itself, of its own document."""
    import torch

    count = document_ids.shape[1]
    same = document_ids[:, :, None] == document_ids[:, None, :]
    return (same & torch.ones(count, count, dtype=torch.bool).tril())[:, None]
