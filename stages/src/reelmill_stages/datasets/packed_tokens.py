"""Packs of tokens for a training loop, with the boundaries of their documents.

A map-style dataset for `torch.utils.data.DataLoader`; `order.Order` is a sampler that can be resumed.
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
"""Label of a token without loss: the default `ignore_index` of torch's cross entropy."""


class TokenPack(NamedTuple):
    """A pack of n tokens."""

    input_ids: "Tensor"
    """int64 (n,): token ids."""
    labels: "Tensor"
    """int64 (n,): the token id where the loss mask is 1, otherwise -100. Labels are not shifted."""
    position_ids: "Tensor"
    """int64 (n,): position in the document, from 0."""
    document_ids: "Tensor"
    """int64 (n,): index of the document in the pack, from 0; -1 for the padding of a batch."""
    offsets: "Tensor"
    """int32 (documents + 1,): start of each document and end of the last one, as `cu_seqlens` of flash attention."""
    images: "Tensor"
    """uint8 (images, 3, height, width), RGB, in the order of their patch tokens; (0, 3, 0, 0) without images."""
    key: str
    """Key of the sample in its tar."""


class PackedTokens:
    """The packs in a folder of tars, as written by a `tokenize` stage.

    `where`, `endpoint`, `region` and `verify` are those of `TarSet`. With `image_size` (height, width) in pixels,
    images are resized to that size; with None, they are omitted. A pack without `document_offsets` is one document.
    Raises SpecError without torch, NotFound if there is no tar, and StoreDamaged for a list or tar that differs from
    what was committed.
    """

    def __init__(
        self,
        where: str,
        *,
        image_size: tuple[int, int] | None = None,
        endpoint: str = "",
        region: str = "",
        verify: bool = False,
    ) -> None:
        need_torch()
        self.tars = TarSet(where, endpoint=endpoint, region=region, verify=verify)
        self._size = image_size

    def __len__(self) -> int:
        return len(self.tars)

    def __getitem__(self, index: int) -> TokenPack:
        """Read a pack. Raises IndexError, and SpecError for a sample that is not a pack."""
        import torch

        found = self.tars[index]
        ids, mask = found.fields.get("input_ids"), found.fields.get("loss_mask")
        if not isinstance(ids, list) or not isinstance(mask, list) or len(ids) != len(mask):
            raise SpecError("not a pack of tokens", where=found.key, hint="for details, run reelmill check")
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


class TokenBatch(NamedTuple):
    """A batch of b packs, padded to the n tokens of the longest one. Values are those of `TokenPack`."""

    input_ids: "Tensor"
    """int64 (b, n), padded with 0."""
    labels: "Tensor"
    """int64 (b, n), padded with -100."""
    position_ids: "Tensor"
    """int64 (b, n), padded with 0."""
    document_ids: "Tensor"
    """int64 (b, n), padded with -1."""
    offsets: "list[Tensor]"
    """int32 (documents + 1,) of each pack."""
    images: "list[Tensor]"
    """uint8 (images, 3, height, width) of each pack."""
    keys: list[str]
    """Key of each pack."""


def collate_packs(packs: Sequence[TokenPack]) -> TokenBatch:
    """Collate packs into a batch, padded with token 0 without loss: `DataLoader(collate_fn=collate_packs)`."""
    from torch.nn.utils.rnn import pad_sequence

    def filled(name: str, value: int) -> "Tensor":
        return pad_sequence([getattr(pack, name) for pack in packs], batch_first=True, padding_value=value)

    return TokenBatch(
        filled("input_ids", 0),
        filled("labels", IGNORED),
        filled("position_ids", 0),
        filled("document_ids", -1),
        [pack.offsets for pack in packs],
        [pack.images for pack in packs],
        [pack.key for pack in packs],
    )


def within_documents(document_ids: "Tensor") -> "Tensor":
    """Causal attention masks within documents, for `document_ids` int64 (b, n).

    Returns bool (b, 1, n, n), True where the token of the third axis may attend to that of the fourth: to itself and
    to earlier tokens of the same document.
    """
    import torch

    count = document_ids.shape[1]
    same = document_ids[:, :, None] == document_ids[:, None, :]
    return (same & torch.ones(count, count, dtype=torch.bool).tril())[:, None]
