"""Our PDQ gives the hashes of the reference implementation."""

import numpy as np
import pytest

from dedup.pdq import luma, mirrored_pdq, pdq

# Made with pdqhash 0.2.8 (MIT), which wraps Meta's C++: height, width, number of the picture, quality, hash, and the
# hash that it derives for the picture mirrored left to right.
GOLDEN = [
    (256, 256, 1, 100,
     "256a356b256a6520a5610d6b5d2ae9600b6f572afb608a7f52eaffc0aa95aa95",
     "8fca9fcf8fc0cf8a0fcba7c1f78243caa1c5fd8051caa0d7f840556a003fa03f"),
    (256, 256, 2, 100,
     "59624b2a1b67bb65f960532a076fa365f620542a006faae5ffe055ca049fa49f",
     "f3cae180b3cf11cb53caf980adc509cf5c8afe80aac5004f5d4aff60ae358e35"),
    (64, 64, 3, 100,
     "a64ba4ca0ecb5eeafc48bc40b84d10ef51eafbc0bbc4bb8d110f511af930bbb0",
     "0ce50e65a465f44156e756ef12e7ba45fb40516a516f1127bba5fbb0531a511a"),
    (480, 640, 4, 100,
     "f1c5f1c0a1c5a5c50bcf03cf568e578aff00ee44aa950a3f022f041f577aee3a",
     "5b6f5b6a0b6f0f6fa165a965fc24fd2055aa44ee003fa095a885aab5fdd06490"),
    (97, 131, 5, 100,
     "fc0cfc0cf80c520e540e541e013f007f005d82dfaabdaae5aaedfff855f055f0",
     "56a756a652a6f8a4fea4feb5ab95aad5aaf528750017004f004755527f587d58"),
    (256, 180, 6, 100,
     "17fc17febd74a954b974ab54aa74aad4aa94aab4aab4aaa4aaacaaa9aa892822",
     "fd56fd5557de53fe53de51fe50df507f403f401f501e500f500650035023f289"),
]  # fmt: skip


def picture(height: int, width: int, number: int) -> np.ndarray:
    """Waves in each channel, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / height, x / width
    waves = [
        sum(
            np.sin((3 * k + number) * x * 2.1 + (5 * k + channel) * y * 1.7 + k * number + channel) for k in range(1, 6)
        )
        for channel in range(3)
    ]
    return (np.stack(waves, axis=-1) * 25 + 128).clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "number", "quality", "hash_", "mirrored"), GOLDEN)
def test_hashes_and_quality_are_those_of_the_reference(
    height: int, width: int, number: int, quality: int, hash_: str, mirrored: str
) -> None:
    lumas = luma(picture(height, width, number)[None])
    bits, found = pdq(lumas)
    assert np.packbits(bits[0]).tobytes().hex() == hash_
    assert found.tolist() == [quality]
    assert np.packbits(mirrored_pdq(lumas)[0]).tobytes().hex() == mirrored


def test_many_pictures_at_once_give_what_each_gives_alone() -> None:
    lumas = luma(np.stack([picture(128, 128, number) for number in range(5)]))
    together, quality = pdq(lumas)
    for place in range(5):
        alone, own = pdq(lumas[place : place + 1])
        assert (alone[0] == together[place]).all()
        assert own[0] == quality[place]


def test_a_flat_picture_has_no_quality() -> None:
    assert pdq(np.full((1, 256, 256), 90.0))[1].tolist() == [0]
