"""The laws of packing, by search: no token is lost or doubled, masks stay with their tokens, images stay whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.stages.tokenize.document import DocumentEncoder, TokenDocument
from reelmill_stages.stages.tokenize.pack_json import PackJson
from reelmill_stages.stages.tokenize.packing import best_fit, greedy, length
from reelmill_stages.stages.tokenize.turns import IMAGE, Turn
from reelmill_stages.tokens.tokenizer import Tokenizer
from tokens import models

PACKERS = [greedy, best_fit]
LENGTHS = st.lists(st.integers(2, 40), max_size=60)


class Letters:
    """A tokenizer of letters: one id each, and the symbols at the end."""

    size = 200
    unknown = None

    def encode(self, texts):
        return [[10 + ord(letter) % 150 for letter in text] for text in texts]

    def decode(self, ids):
        return "".join(chr(one - 10) for one in ids)

    def id_of(self, symbol):
        return {"<im_patch>": 190, "<im_start>": 191, "<im_end>": 192, "<s>": 1, "</s>": 2}.get(symbol)


LETTERS = Tokenizer(Letters(), {"patch": "<im_patch>", "start": "<im_start>", "end": "<im_end>", "bos": "<s>",
                                "eos": "</s>"}, "letters")  # fmt: skip
PATCHES = 3
PIECE = st.one_of(st.just(IMAGE), st.text("abc ", min_size=1, max_size=6))
TURN = st.builds(
    lambda pieces, learned: Turn(tuple(piece for piece in pieces if not learned or piece is not IMAGE), learned),
    st.lists(PIECE, max_size=4),
    st.booleans(),
)
SAMPLES = st.lists(st.lists(TURN, min_size=1, max_size=3), max_size=12)


@pytest.mark.parametrize("pack", PACKERS)
@given(lengths=LENGTHS, limit=st.integers(8, 50))
def test_every_document_that_fits_is_in_exactly_one_pack(pack, lengths: list[int], limit: int) -> None:
    packs = pack(lengths, limit)
    found = [one for made in packs for one in made.documents]
    assert sorted(found) == [place for place, size in enumerate(lengths) if size < limit]
    assert all(made.documents for made in packs)


@pytest.mark.parametrize("pack", PACKERS)
@given(lengths=LENGTHS, limit=st.integers(8, 50))
def test_every_pack_is_shorter_than_the_limit(pack, lengths: list[int], limit: int) -> None:
    assert all(0 < length(made.documents, lengths) < limit for made in pack(lengths, limit))


@given(lengths=LENGTHS, limit=st.integers(8, 50))
def test_greedy_is_what_the_original_does_and_keeps_its_tail(lengths: list[int], limit: int) -> None:
    flushed, cached, total = [], [], 0
    for place, size in enumerate(lengths):
        if total + size > limit and cached:
            flushed.append((tuple(cached), place))
            cached, total = [], 0
        if size < limit:
            cached.append(place)
            total += size
    tail = [(tuple(cached), len(lengths))] if cached else []
    assert [(made.documents, made.closed_by) for made in greedy(lengths, limit)] == flushed + tail


@given(lengths=LENGTHS, limit=st.integers(8, 50))
def test_no_two_packs_of_best_fit_would_go_into_one(lengths: list[int], limit: int) -> None:
    sizes = sorted(length(made.documents, lengths) for made in best_fit(lengths, limit))
    assert len(sizes) < 2 or sizes[0] + sizes[1] - 1 >= limit


def test_best_fit_fills_packs_that_greedy_leaves_half_empty() -> None:
    lengths = [5000, 5000, 5000, 2900, 2900, 2900]
    assert len(best_fit(lengths, 8000)) == 3
    assert len(greedy(lengths, 8000)) == 4


@given(samples=SAMPLES)
def test_masks_are_aligned_and_every_image_is_whole(samples: list[list[Turn]]) -> None:
    documents = list(DocumentEncoder(LETTERS, PATCHES).documents(samples))
    assert len(documents) == len(samples)
    for document, turns in zip(documents, samples, strict=True):
        assert isinstance(document, TokenDocument)
        expected: list[tuple[int, int]] = [(1, 0)]
        for turn in turns:
            for piece in turn.pieces:
                ids = [191, *[190] * PATCHES, 192] if piece is IMAGE else LETTERS.encode([piece])[0]
                expected += [(one, int(turn.learned)) for one in ids]
            expected += [(2, 1)] if turn.learned else []
        assert list(zip(document.ids.tolist(), document.mask.tolist(), strict=True)) == expected


@given(samples=SAMPLES.filter(bool))
def test_the_json_of_a_pack_says_what_json_dumps_would(samples: list[list[Turn]]) -> None:
    import json

    documents = [one for one in DocumentEncoder(LETTERS, PATCHES).documents(samples) if isinstance(one, TokenDocument)]
    parts = [(one.ids[bool(place) :], one.mask[bool(place) :]) for place, one in enumerate(documents)]
    parts = [part for part in parts if len(part[0])]
    data = PackJson(LETTERS.size, 2000).dumps(parts, ["é"] * len(parts), 2)
    read = json.loads(data)
    ids, mask = (np.concatenate([part[side] for part in parts]).tolist() for side in (0, 1))
    offsets = [0, *np.cumsum([len(part[0]) for part in parts]).tolist()]
    positions = [place for part in parts for place in range(len(part[0]))]
    assert read == {
        "input_ids": ids, "loss_mask": mask, "text": ["é"] * len(parts), "image": ["0", "1"],
        "document_offsets": offsets, "position_ids": positions,
    }  # fmt: skip
    assert data == json.dumps(read).encode()


@given(text=st.text(max_size=30), symbol=st.sampled_from([*models.SYMBOLS, "<s>", "</s>"]), place=st.integers(0, 30))
def test_no_text_becomes_a_control_symbol(text: str, symbol: str, place: int) -> None:
    with_symbol = text[:place] + symbol + text[place:]
    for tokenizer in _real():
        (document,) = DocumentEncoder(tokenizer, PATCHES).documents([[Turn((with_symbol,), learned=True)]])
        assert isinstance(document, TokenDocument)
        inner = document.ids[1:-1].tolist()
        assert not tokenizer.has_symbol(inner)


def _real() -> list[Tokenizer]:
    if not _REAL:
        import tempfile
        from pathlib import Path

        from reelmill_stages.tokens.tokenizer import load

        with tempfile.TemporaryDirectory() as folder:
            _REAL.append(load(models.write(Path(folder))))
            _REAL.append(load(models.write(Path(folder), user_defined=True)))
            _REAL.append(load(models.write(Path(folder), "json")))
    return _REAL


_REAL: list[Tokenizer] = []
