"""Tokenizers for tests: tiny models trained here, since the original's file is not public.

The sentencepiece one has the shape of LLaMA-2's with symbols for images (`<unk> <s> </s>` first, the symbols last); at
its full size of 32003 pieces the ids of the symbols are the original's, filled up with pieces that no text gives.
"""

import io
import struct
from functools import cache
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

SYMBOLS = ("<im_patch>", "<im_start>", "<im_end>")
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
TEXTS = [
    "a girl is talking to another girl sitting in a park",
    "what is the man with the hat doing? he is riding a horse along the beach",
    "two dogs run over the grass, one of them carries a stick",
    "pour the flour into a bowl and stir until it is smooth",
    "#0 #43 #86 #130 #1000 12 34 56 78 90",
    "die Katze schläft auf dem Sofa; 猫在睡觉",
]


@cache
def _trained() -> bytes:
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 8),
        model_writer=out,
        vocab_size=180,
        model_type="bpe",
        byte_fallback=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return out.getvalue()


@cache
def sentencepiece_model(symbols: tuple[str, ...] = SYMBOLS, size: int = 32003, user_defined: bool = False) -> bytes:
    """The bytes of a model of `size` pieces whose last ones are the symbols."""
    trained = _trained()
    known = sentencepiece.SentencePieceProcessor(model_proto=trained).get_piece_size()
    filling = [_piece(f"\u2060{number}", UNUSED) for number in range(known, size - len(symbols))]
    kind = USER_DEFINED if user_defined else CONTROL
    # Repeated fields of a serialized message may be added at its end.
    return b"".join([trained, *filling, *[_piece(symbol, kind) for symbol in symbols]])


def _piece(name: str, kind: int) -> bytes:
    """One more piece of a serialized model: its name, its score, its type."""
    raw = name.encode()
    body = b"\x0a" + bytes([len(raw)]) + raw + b"\x15" + struct.pack("<f", 0.0) + b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(body)]) + body


@cache
def tokenizers_file(symbols: tuple[str, ...] = SYMBOLS) -> str:
    """A `tokenizer.json` with byte pairs of the same texts; symbols are found in texts, as such files have it."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    )
    made.add_special_tokens([AddedToken(symbol, special=True) for symbol in symbols])
    return made.to_str()


def write(folder: Path, kind: str = "sentencepiece", **more) -> Path:
    """A tokenizer's file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "sentencepiece":
        path = folder / "multimodal_tokenizer.model"
        path.write_bytes(sentencepiece_model(**more))
    else:
        path = folder / "tokenizer.json"
        path.write_text(tokenizers_file(**more))
    return path
