"""Two implementations that share no code give the same ids: ours, and the package instant-clip-tokenizer."""

import html
import random
import string
import unicodedata
from importlib.util import find_spec

import ftfy
import pytest

from reelmill_stages.stages.frames.captions.tokens import ClipTokens

if find_spec("instant_clip_tokenizer") is None:
    pytest.skip("the peer instant-clip-tokenizer has no wheels for this Python", allow_module_level=True)

from instant_clip_tokenizer import Tokenizer

PEER = Tokenizer()
WORDS = (
    "diamond creeper don't we'll I'm they've 1,000 3x3 minecraft:oak_log https://x.y/?a=b&amp;c #1 &lt; &amp;#33; "
    "antidisestablishmentarianism"
)
ODD = (
    "naïve İstanbul ΟΔΥΣΣΕΥΣ ǅ ﬁn ½ ² Ⅷ ① 𝔘𝔫𝔦 e\u0301 \u200b \u00a0 \u3000 \u2028 \ufeff Ã© â€™ "
    "مرحبا हिन्दी 한국어 日本語 𠮷 👩‍🚀 🇩🇪 ☃️"
)
MARKS = "<start_of_text> <end_of_text> <|startoftext|> <|endoftext|> !<end_of_text> <END_OF_TEXT>x </w> a</w>"
CONTROLS = "".join(map(chr, [*range(32), *range(127, 160)]))


def by_peer(style: str, text: str) -> list[int]:
    """The ids of the peer, with the two ways to clean written down a second time."""
    if style == "clip-open":
        text = " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split()).lower()
    else:
        text = "".join(letter.lower() for letter in " ".join(unicodedata.normalize("NFC", text).split()))
    padding = 49407 if style == "clip-hf" else 0
    ids = [49406, *PEER.encode(text)[:75], 49407]
    return ids + [padding] * (77 - len(ids))


def unlike(texts: list[str]) -> list[tuple[str, str]]:
    """The captions that the two see differently."""
    return [
        (style, text)
        for style in ("clip-hf", "clip-open")
        for text in texts
        if ClipTokens(style).ids(text).tolist() != by_peer(style, text)
    ]


def captions(alphabet: list[str], number: int, glue: str) -> list[str]:
    dice = random.Random(7)
    return [glue.join(dice.choices(alphabet, k=dice.randint(1, 60))) for _ in range(number)]


def test_plain_captions_have_the_same_ids() -> None:
    assert not unlike(captions([*WORDS.split(), *string.ascii_letters, *string.punctuation], 100, " "))


def test_captions_of_odd_characters_have_the_same_ids() -> None:
    odd = [*ODD.split(" "), *MARKS.split(), *CONTROLS, *WORDS.split(), *string.punctuation]
    assert not unlike([*odd, *captions(odd, 60, " "), *captions(odd, 60, "")])


def test_letters_of_all_scripts_have_the_same_ids() -> None:
    known = [chr(code) for code in range(0x1FB00) if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
    assert not unlike(["".join(known[at : at + 40]) for at in range(0, len(known), 400)])


@pytest.mark.parametrize("text", ["", " ", "a" * 10_000, "!" * 10_000, "🧨" * 5_000, "dig " * 5_000], ids=range(6))
def test_empty_and_very_long_captions_have_the_same_ids(text: str) -> None:
    assert not unlike([text])
