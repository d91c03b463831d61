"""The json of a pack: the fields of the original, and the boundaries of its documents.

    input_ids, loss_mask   one value per token
    text                   of each document
    image                  "0", "1", …: the members `{key}.0.jpg`, …
    document_offsets       start of each document, and end of the last one
    position_ids           one value per token, from 0 in every document

Lists with one number per token are made by lookup in prepared bytes, many times faster than by `json.dumps`; the bytes
are the same.
"""

import json
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from reelmill_stages.stages.tokenize.document import Ids, Mask


class PackJson:
    """Writes packs of fewer than `max_tokens` tokens with ids below `vocabulary`."""

    def __init__(self, vocabulary: int, max_tokens: int) -> None:
        width = 8 if vocabulary <= 10**6 else 16
        self._names = np.array([b"%d, " % number for number in range(vocabulary)], dtype=f"S{width}")
        self._zeros = np.frombuffer(b"0, " * max_tokens, np.uint8)
        places = [b"%d, " % number for number in range(max_tokens)]
        self._places = b"".join(places)
        self._ends = [0, *accumulate(map(len, places))]

    def dumps(self, parts: Sequence[tuple[Ids, Mask]], texts: Sequence[str], images: int) -> bytes:
        """Return the json of a pack; `parts` are the (ids, mask) of its documents, of which the first has its `bos`."""
        lengths = [len(own) for own, _ in parts]
        rest = {
            "text": list(texts),
            "image": [str(number) for number in range(images)],
            "document_offsets": [0, *accumulate(lengths)],
        }
        return b"".join(
            (
                b'{"input_ids": [',
                self._ids(np.concatenate([own for own, _ in parts])),
                b'], "loss_mask": [',
                self._mask(np.concatenate([learned for _, learned in parts])),
                b"], ",
                json.dumps(rest)[1:-1].encode(),
                b', "position_ids": [',
                b"".join([self._places[: self._ends[length]] for length in lengths])[:-2],
                b"]}",
            )
        )

    def _ids(self, ids: Ids) -> bytes:
        return self._names.take(ids).tobytes().translate(None, b"\0")[:-2]

    def _mask(self, mask: Mask) -> bytes:
        digits = self._zeros[: 3 * len(mask)].copy()
        digits[::3] += mask
        return digits.tobytes()[:-2]
