"""Token ids are those of the two tokenizers that trainers use, down to the padding.

The ids in clip_token_ids.json come from open_clip 3's SimpleTokenizer and from Hugging Face's CLIP tokenizer (fast).
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.frames.captions.tokens import ClipTokens

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((Path(__file__).parent / "clip_token_ids.json").read_text())


@pytest.mark.parametrize("row", GOLDEN, ids=range(len(GOLDEN)))
def test_ids_equal_those_of_hugging_face_and_of_open_clip(row: dict[str, object]) -> None:
    for style, name, padding in (("clip-hf", "hugging_face", 49407), ("clip-open", "open_clip", 0)):
        expected = [*row[name], *[padding] * (77 - len(row[name]))]
        ids = ClipTokens(style).ids(row["text"])
        assert ids.dtype == np.int64
        assert ids.tolist() == expected


def test_a_known_caption_has_known_ids() -> None:
    assert ClipTokens("clip-open").ids("a photo of a cat")[:8].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407, 0]


def test_a_long_caption_is_cut_and_keeps_its_end() -> None:
    for style in ("clip-hf", "clip-open"):
        ids = ClipTokens(style).ids("diamond " * 500)
        assert (ids[0], ids[-1], len(ids)) == (49406, 49407, 77)
        assert (ids == 49407).sum() == 1


def test_the_end_is_the_first_of_the_largest_ids_as_clip_finds_it() -> None:
    for style in ("clip-hf", "clip-open"):
        ids = ClipTokens(style).ids("mine the obsidian")
        assert ids.argmax() == ids.tolist().index(49407)


def test_a_vocabulary_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "merges.txt"
    path.write_text("#version: 0.2\nd i\ndi g</w>\n")
    ids = ClipTokens("clip-hf", path).ids("dig")
    assert ids[:4].tolist() == [514, 513, 515, 515]


def test_a_file_that_is_not_a_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"gone\.txt"):
        ClipTokens("clip-hf", tmp_path / "gone.txt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title\nd i\ndig\n", "line 3 does not contain two symbols"),
        ("title\nd i\ndi gg\n", "line 3 merges a symbol that no line before it made"),
        ("title\n", "contains no merges"),
    ],
)
def test_a_wrong_line_of_a_vocabulary_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "merges.txt"
    path.write_text(text)
    with pytest.raises(SpecError, match=said):
        ClipTokens("clip-hf", path)


def test_a_compressed_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "merges.txt.gz"
    path.write_bytes(gzip.compress(b"title\nd i\n"))
    with pytest.raises(SpecError, match="not a list of merges"):
        ClipTokens("clip-hf", path)


def test_the_wheel_carries_the_notice_about_its_merges() -> None:
    assert (ROOT / "stages/NOTICE").read_bytes() == (ROOT / "NOTICE").read_bytes()
