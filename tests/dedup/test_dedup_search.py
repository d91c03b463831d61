"""The search finds what a comparison of all pairs finds, in the order and with the index that it may have."""

import io
import math
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from reelmill_stages.runtime.decide import postings
from reelmill_stages.runtime.decide.growing_index import GrowingIndex
from reelmill_stages.runtime.decide.kept import KeptInputs
from reelmill_stages.stage import Filtered, Signed
from reelmill_stages.stages.dedup import bands
from reelmill_stages.stages.dedup.contrast_hashes import hashes, luma, mirrored
from reelmill_stages.stages.dedup.frame_alignment import longest_rising
from reelmill_stages.stages.dedup.greedy import decide
from reelmill_stages.stages.dedup.perceptual import PerceptualRule, frame_type
from reelmill_stages.stages.dedup.rule import Match
from reelmill_stages.stages.dedup.semantic import MISSED, SemanticRule, plan, rounded


class NearNumbers:
    """Numbers of one byte are duplicates if they differ by at most 2."""

    unit = ""

    def terms(self, signatures: Sequence[bytes]) -> Any:
        cells = np.array([data[0] // 3 for data in signatures], np.uint64)
        return np.concatenate([cells, cells + 1, cells + 2]), np.tile(np.arange(len(signatures)), 3)

    def parse(self, signature: bytes) -> int:
        return signature[0]

    def match(self, one: int, kept: int) -> Match | None:
        return Match(abs(one - kept)) if abs(one - kept) <= 2 else None


def verdicts(rule: Any, signed: Sequence[Signed], folder: Path, *, batch: int, pairs: int, split: int = 0) -> list[str]:
    """What is decided, in batches, by an index that begins anew at `split` as a later pass does."""
    growing = [GrowingIndex(folder)]
    found: list[str] = []
    while len(found) < len(signed):
        if split and len(found) >= split and len(growing) == 1:
            (folder / "later").mkdir(exist_ok=True)
            growing.append(GrowingIndex(folder / "later"))
        end = split if split and len(found) < split else len(signed)
        waiting = signed[len(found) : min(len(found) + batch, end)]
        kept = KeptInputs(growing[:-1], growing[-1])  # type: ignore[arg-type]
        told = decide(rule, waiting, kept, pairs_at_once=pairs)
        assert 0 < len(told) <= len(waiting)
        fresh = [one for one, verdict in zip(waiting, told, strict=False) if verdict is None]
        if fresh:
            values, owners = rule.terms([one.data for one in fresh])
            growing[-1].add(fresh, postings.mixed(values), owners)
        found += [_words(verdict) for verdict in told]
    return found


def _words(verdict: Filtered | None) -> str:
    return verdict.message if verdict else ""


def brute(rule: Any, signed: Sequence[Signed]) -> list[str]:
    kept: list[Signed] = []
    found = []
    for one in signed:
        matches = ((other, rule.match(rule.parse(one.data), rule.parse(other.data))) for other in kept)
        first = next(((other, match) for other, match in matches if match), None)
        found.append(f"of {first[0].key}, distance {first[1].distance:.4g}" if first else "")
        if first is None:
            kept.append(one)
    return found


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    batch=st.integers(1, 60),
    pairs=st.integers(0, 50),
    split=st.integers(0, 60),
)
def test_verdicts_are_those_of_comparing_all_pairs_in_order_for_any_batches(
    tmp_path_factory: Any, numbers: list[int], batch: int, pairs: int, split: int
) -> None:
    signed = [Signed(f"v{place}", bytes([number])) for place, number in enumerate(numbers)]
    folder = tmp_path_factory.mktemp("index")
    rule = NearNumbers()
    split = min(split, len(signed) - 1)
    assert verdicts(rule, signed, folder, batch=batch, pairs=pairs, split=split) == brute(rule, signed)


def test_ten_thousand_copies_of_one_item_are_decided_without_comparing_all_pairs(tmp_path: Path) -> None:
    signed = [Signed(f"v{place}", bytes([7])) for place in range(10_000)]
    found = verdicts(NearNumbers(), signed, tmp_path, batch=10_000, pairs=1000)
    assert found == ["", *["of v0, distance 0"] * 9999]


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=30), max_size=12),
    wanted=st.lists(st.integers(0, 35), max_size=20),
)
def test_the_growing_index_finds_every_kept_input_with_a_term(
    tmp_path_factory: Any, runs: list[list[tuple[int, int]]], wanted: list[int]
) -> None:
    growing = GrowingIndex(tmp_path_factory.mktemp("index"))
    held: set[tuple[int, int]] = set()
    for run in runs:
        first = len(growing)
        rows = [Signed(f"k{first + place}", bytes([first % 256, place])) for place in range(21)]
        terms = np.array([term for term, _ in run], np.uint64)
        growing.add(rows, postings.mixed(terms), np.array([owner for _, owner in run], np.int64))
        held |= {(term, first + owner) for term, owner in run}
    places, numbers = KeptInputs([], growing).find(np.array(wanted, np.uint64))
    found = sorted(zip(places.tolist(), numbers.tolist(), strict=True))
    assert found == sorted((at, number) for at, term in enumerate(wanted) for held_, number in held if held_ == term)
    for number in range(len(growing)):
        assert growing.row(number).key == f"k{number}"


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=5))
def test_the_longest_rising_sequence_is_as_long_as_any(near: list[list[bool]]) -> None:
    rows, columns = longest_rising(np.array(near))
    assert all(near[row][column] for row, column in zip(rows, columns, strict=True))
    assert (np.diff(rows) > 0).all()
    assert (np.diff(columns) >= 0).all()
    choices = [[None, *(column for column, is_near in enumerate(row) if is_near)] for row in near]
    best = 0
    for choice in product(*choices):
        taken = [column for column in choice if column is not None]
        if taken == sorted(taken):
            best = max(best, len(taken))
    assert len(rows) == best


def test_codes_share_a_band_as_often_as_their_distance_says() -> None:
    noise = np.random.default_rng(3)
    codes = noise.integers(0, 2, (4000, 256)).astype(bool)
    for apart in (0, 8, 31):
        others = codes.copy()
        for row in others:
            row[noise.permutation(256)[:apart]] ^= True
        packed, other = np.packbits(codes, axis=1), np.packbits(others, axis=1)
        shared = (bands.terms(packed, 16) == bands.terms(other, 16)).any(axis=1).mean()
        expected = 1 - (1 - ((256 - apart) / 256) ** (8 * bands.WIDTH)) ** 16
        assert abs(shared - expected) < 0.1


def test_the_bands_are_fixed_numbers() -> None:
    assert bands.choice(32, 16)[0].tolist() == [4, 9, 26, 17]
    assert bands.random_bits("reelmill", 16).tolist() == [1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]


def test_vectors_at_the_largest_distance_share_a_term_as_often_as_promised() -> None:
    noise = np.random.default_rng(4)
    rule = SemanticRule(limit=0.03)
    missed = pairs = 0
    for _ in range(400):
        one = noise.standard_normal(64)
        away = noise.standard_normal(64)
        away -= away @ one / (one @ one) * one
        angle = math.acos(1 - 0.0299)
        other = one / np.linalg.norm(one) * math.cos(angle) + away / np.linalg.norm(away) * math.sin(angle)
        signatures = [rule.signature(one), rule.signature(other)]
        assert rule.match(rule.parse(signatures[0]), rule.parse(signatures[1])) is not None
        values, owners = rule.terms(signatures)
        missed += set(values[owners == 0].tolist()).isdisjoint(values[owners == 1].tolist())
        pairs += 1
    assert missed / pairs <= 4 * MISSED


def test_the_plan_of_bands_follows_the_distance() -> None:
    assert plan(0.0) == (4, 24)
    for limit in (0.01, 0.03, 0.05, 0.1):
        count, width = plan(limit)
        assert count <= 64
        assert count * width % 8 == 0


def test_signatures_of_vectors_are_equal_for_equal_directions_and_any_length() -> None:
    rule = SemanticRule(limit=0.03)
    one = np.arange(1.0, 33.0)
    assert rule.signature(one) == rule.signature(one * 1e-200) == rule.signature(one * 1e200)
    assert np.abs(rounded(one[None])).max() <= 1 << 14


def soft_picture(seed: int) -> Image.Image:
    patches = np.random.default_rng(seed).integers(0, 256, (7, 10, 3), np.uint8)
    return Image.fromarray(patches).resize((320, 192), Image.Resampling.BICUBIC)


def with_logo(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    picture.paste((255, 255, 255), (260, 12, 304, 36))
    return picture


def encoded(picture: Image.Image) -> Image.Image:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=12)
    return Image.open(data)


CHANGES: Sequence[Callable[[Image.Image], Image.Image]] = (
    lambda picture: picture.resize((100, 60)),
    lambda picture: picture.crop((8, 5, 312, 187)),
    encoded,
    lambda picture: ImageEnhance.Contrast(ImageEnhance.Brightness(picture).enhance(1.15)).enhance(1.2),
    with_logo,
    lambda picture: with_logo(encoded(picture.crop((8, 5, 312, 187)))),
)


def signature(pictures: Sequence[Image.Image]) -> bytes:
    """What `perceptual` signs for a video of these frames."""
    pixels = np.stack([np.asarray(picture.convert("RGB").resize((256, 256))) for picture in pictures])
    frames = np.zeros(len(pixels), frame_type(1))
    frames["seconds"] = np.arange(len(pixels)) / 2
    frames["codes"][:, 0], _ = hashes(luma(pixels).round().astype(np.uint8))
    return b"\1" + frames.tobytes()


@pytest.mark.store  # it hashes pictures for seconds
def test_the_search_finds_99_of_100_copies_that_a_comparison_of_all_pairs_finds(tmp_path: Path) -> None:
    rule = PerceptualRule(fps=2, limit=36, overlap=0.5, mirror=False)
    clips = [[soft_picture(4 * clip + frame) for frame in range(4)] for clip in range(20)]
    signed = [Signed(f"0-{clip}", signature(pictures)) for clip, pictures in enumerate(clips)]
    signed += [
        Signed(f"1-{clip}-{number}", signature([change(picture) for picture in pictures]))
        for clip, pictures in enumerate(clips)
        for number, change in enumerate(CHANGES)
    ]
    found, expected = verdicts(rule, signed, tmp_path, batch=50, pairs=1000), brute(rule, signed)
    copies = [message for message in expected if message]
    assert len(copies) > 0.95 * len(clips) * len(CHANGES)
    assert not any(expected[: len(clips)]), "different pictures are no duplicates"
    same = sum(one.startswith(other) for one, other in zip(found, expected, strict=True) if other)
    assert same >= 0.99 * len(copies)
    assert all(other for one, other in zip(found, expected, strict=True) if one)


def test_the_hash_of_a_mirrored_picture_is_the_mirrored_hash() -> None:
    pictures = np.random.default_rng(5).integers(0, 256, (3, 96, 128)).astype(np.float32)
    straight, contrast = hashes(pictures)
    flipped, other = hashes(pictures[:, :, ::-1])
    assert (mirrored(straight) == flipped).mean() > 0.99
    assert np.abs(contrast - other).max() < 0.01
    assert hashes(np.full((1, 64, 64), 80.0))[1].tolist() == [0.0]
