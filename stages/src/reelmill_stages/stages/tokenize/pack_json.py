"""The json of a pack: the fields of the original, and the boundaries of its documents.

    input_ids, loss_mask   a token each
    text                   of each document
    image                  "0", "1", …: the members `{key}.0.jpg`, …
    document_offsets       where each document begins, and where the last one ends
    position_ids           a token each, from 0 in every document

The text is built from prepared pieces, which is several times faster than `json.dumps` and gives the same bytes.
"""

import json
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from reelmill_stages.stages.tokenize.document import Ids, Mask


class PackJson:
    """Writes packs of fewer than `max_tokens` tokens with ids below `vocabulary`."""

    def __init__(self, vocabulary: int, max_tokens: int) -> None:
        self._names = [f"{number}, " for number in range(vocabulary)]
        places = [f"{number}, " for number in range(max_tokens)]
        self._places = "".join(places)
        self._ends = [0, *accumulate(map(len, places))]

    def dumps(self, parts: Sequence[tuple[Ids, Mask]], texts: Sequence[str], images: int) -> bytes:
        """The json of a pack; `parts` are the (ids, mask) of its documents, of which the first has its `bos`."""
        ids, mask, positions, offsets = [], [], [], [0]
        for own, learned in parts:
            ids.append("".join(map(self._names.__getitem__, own.tolist())))
            mask.append(_runs(learned))
            positions.append(self._places[: self._ends[len(own)]])
            offsets.append(offsets[-1] + len(own))
        rest = {"text": list(texts), "image": [str(number) for number in range(images)], "document_offsets": offsets}
        return (
            f'{{"input_ids": {_list(ids)}, "loss_mask": {_list(mask)}, {json.dumps(rest)[1:-1]}, '
            f'"position_ids": {_list(positions)}}}'
        ).encode()


def _list(pieces: Sequence[str]) -> str:
    return f"[{''.join(pieces)[:-2]}]"


def _runs(mask: Mask) -> str:
    edges = [0, *(np.flatnonzero(np.diff(mask)) + 1).tolist(), len(mask)]
    return "".join(("1, " if mask[begin] else "0, ") * (end - begin) for begin, end in pairwise(edges))
