"""Tars of samples of every kind, generated from a seed: the same bytes on every machine and with every library.

The tokenizer is made of an alphabet and a few pairs written here, and the images are one JPEG with comments.
"""

import base64
import json
import random
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from pack.foreign_tars import TRAILER, member, old_sparse, pax, pax_sparse

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP////////////////////////////////////////////////////////////////////////////"
    "//////////wAALCAADAAQBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AH//Z"
)
WORDS = (
    "two",
    "dogs",
    "run",
    "over",
    "the",
    "grass",
    "Katze",
    "schläft",
    "猫",
    "😀",
    "#43",
    '"',
    "\\",
    "\n",
    "\t",
    "\x7f",
)
SPOKEN = ("<s>", "</s>", "<im_patch>", "<im_start>", "<im_end>")
PAIRS = (
    ("t", "h"),
    ("th", "e"),
    ("d", "o"),
    ("o", "v"),
    ("e", "r"),
    ("ov", "er"),
    ("Ġ", "r"),
    ("Ġ", "the"),
    ("s", "s"),
)


def tokenizer(path: Path) -> Path:
    """A `tokenizer.json` of bytes and a few pairs, whose symbols are found in texts."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<unk>", *letters, *("".join(pair) for pair in PAIRS)]
    made = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, list(PAIRS), unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.add_special_tokens([AddedToken(symbol, special=True) for symbol in SPOKEN])
    path.write_text(made.to_str(), encoding="utf-8")
    return path


def image(number: int, zeros: int = 0) -> bytes:
    """The JPEG with a comment: a number, and zeros."""
    comment = b"%06d" % number + bytes(zeros)
    return JPEG[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + JPEG[2:]


def tar(path: Path, seed: int, count: int) -> Path:
    """A tar of `count` samples: good ones of all forms, and about one of five with a fault."""
    chance = random.Random(seed)
    path.write_bytes(b"".join(_sample(chance, number) for number in range(count)) + TRAILER)
    return path


def _text(chance: random.Random, words: int) -> str:
    found = chance.choices(WORDS, k=words)
    if chance.random() < 0.1:
        found.insert(chance.randrange(words + 1), chance.choice(SPOKEN))
    return " ".join(found)


def _fields(chance: random.Random, images: int) -> dict[str, Any]:
    form, words = chance.random(), chance.choice((1, 3, 8, 20, 60))
    answer = _text(chance, words)
    if form < 0.5:
        return {"prompt": "<image>" * images, "txt": answer}
    if form < 0.6:
        return {
            "prompt": "".join(f"<{chance.choice('IP')}image>#{43 * place}" for place in range(images)),
            "caption": answer,
        }
    first = chance.choice(("<video>\n", "<image>\n", "<image>" * images, "")) + _text(chance, 4)
    turns = [{"from": "human", "value": first}, {"from": "gpt", "value": answer}]
    for _ in range(chance.randrange(3)):
        turns += [{"from": "user", "value": _text(chance, 2)}, {"from": "assistant", "value": _text(chance, 5)}]
    if chance.random() < 0.3:
        turns.insert(0, {"from": "system", "value": _text(chance, 3)})
    return {"conversations": turns, "info": {"fps": 25, "big": 10**30, "nothing": None, "nan": float("nan")}}


def _sample(chance: random.Random, number: int) -> bytes:
    key, images = f"{number:09d}", chance.choice((0, 0, 1, 1, 2, 5))
    fields = _fields(chance, images)
    names = [f"{key}-{place}" for place in range(images)]
    pictures = [image(chance.randrange(10**6)) for _ in names]
    fault = chance.random()
    if fault < 0.03:
        pictures[:1] = [b"no image"] * len(pictures[:1])
    elif fault < 0.06:
        names.append(f"{key}-77")
    elif fault < 0.08:
        fields = {"txt": ""}
    elif fault < 0.10:
        fields = {"conversations": [{"from": "nobody", "value": "x"}]}
    elif fault < 0.12:
        fields["prompt"] = "<image>" * 9
    elif fault < 0.14:
        fields["txt"] = _text(chance, 900)
    text = json.dumps({"image_name_list": names, **fields}, ensure_ascii=chance.random() < 0.5)
    raw = text.encode(chance.choice(("utf-8",) * 6 + ("utf-8-sig", "utf-16")))
    if 0.14 <= fault < 0.18:
        raw = (raw[:-3], b"[1]", b"[" * 300, b"{" + b'"a": ' + b"9" * 5000 + b"}")[int((fault - 0.14) * 100)]
    parts = [] if 0.18 <= fault < 0.19 else [_member(chance, f"{key}.json", raw)]
    dashed = chance.random() < 0.2
    for place, picture in enumerate(pictures):
        name = f"{key}-{place}.jpg" if dashed and parts else f"{key}.{place}.jpg"
        parts.append(_image(chance, name, picture, number))
    if not parts or chance.random() < 0.05:
        parts.append(member(f"{key}.txt".encode(), b"more"))
    if chance.random() < 0.05:
        parts.insert(chance.randrange(len(parts)), member(chance.choice((b"README", b"__meta__/x", b"folder/")), b""))
    return b"".join(parts)


def _member(chance: random.Random, name: str, data: bytes) -> bytes:
    raw, form = name.encode(), chance.random()
    if form < 0.05:
        return pax((b"path", raw), (b"mtime", b"1.5")) + member(b"x", data)
    if form < 0.10:
        return member(b"././@LongLink", raw + b"\0", b"L") + member(b"x", data)
    return member(raw, data, chance.choice((b"0", b"0", b"0", b"\0", b"7")))


def _image(chance: random.Random, name: str, data: bytes, number: int) -> bytes:
    form, large = chance.random(), image(number, 40_000)
    begin = 12 + large[12:].index(b"\xff")
    pieces = [(0, large[:12]), (begin, large[begin:])]
    if form < 0.04:
        return old_sparse(name.encode(), pieces, len(large))
    if form < 0.08:
        return pax_sparse(name.encode(), pieces, len(large), chance.choice(("0.0", "0.1", "1.0")))
    return _member(chance, name, data if form < 0.9 else image(number, 30_000))
