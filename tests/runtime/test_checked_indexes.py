"""A pass compares what it looks at in the indexes of earlier ones: it finds what was kept, or says what is damaged."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import toy_line as toy
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.digest import sha256
from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.segment import KeptIndex, Object, Segment, Verdicts
from reelmill.contract.task import Step
from reelmill_stages.commands.integrity.repair import repair
from reelmill_stages.records.record_files import dump
from reelmill_stages.runtime.decide import blocks, postings
from reelmill_stages.runtime.decide.checked_postings import CheckedPostings, checked
from reelmill_stages.runtime.decide.stored_index import StoredIndex
from reelmill_stages.stage import Signed

NUMBERS = {"a": 10, "b": 11, "c": 13, "d": 50, "e": 90, "f": 130, "g": 200}


def found_by_hand(held: list[tuple[int, int]], wanted: list[int]) -> list[tuple[int, int]]:
    return sorted((place, number) for place, term in enumerate(wanted) for held_, number in set(held) if held_ == term)


@settings(max_examples=300, deadline=None)
@given(
    held=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=30),
    wanted=st.lists(st.integers(0, 14), max_size=8),
    flips=st.lists(st.integers(0, 1 << 12), max_size=3),
)
def test_a_search_in_changed_postings_finds_what_was_written_or_refuses(
    held: list[tuple[int, int]], wanted: list[int], flips: list[int]
) -> None:
    def mixed(values: list[int]) -> postings.Terms:
        return postings.mixed(np.array(values, np.uint64))

    written = postings.postings(mixed([term for term, _ in held]), np.array([number for _, number in held]))
    kept = checked(written, 1)
    data = bytearray(kept.terms.tobytes() + kept.numbers.tobytes())
    for bit in flips:
        data[bit // 8 % len(data)] ^= 1 << bit % 8
    end = 8 * len(kept)
    changed = CheckedPostings(
        postings.Postings(np.frombuffer(data[:end], np.uint64), np.frombuffer(data[end:], np.uint32)), 1
    )
    terms = mixed(wanted)
    order = np.argsort(terms, kind="stable")
    is_whole = bytes(data) == kept.terms.tobytes() + kept.numbers.tobytes()
    try:
        places, numbers = changed.find(terms[order])
    except ValueError:
        assert not is_whole
    else:
        assert sorted(zip(order[places].tolist(), numbers.tolist(), strict=True)) == found_by_hand(held, wanted)
    try:
        counts = changed.count(terms[order])
    except ValueError:
        assert not is_whole
    else:
        assert counts.tolist() == [sum(term == wanted[place] for term, _ in set(held)) for place in order]
    try:
        everything = changed.all()
    except ValueError:
        assert not is_whole
    else:
        assert is_whole
        assert everything.terms.tolist() == written.terms.tolist()


def test_postings_of_another_bucket_are_refused() -> None:
    found = postings.postings(postings.mixed(np.arange(9, dtype=np.uint64)), np.arange(9))
    with pytest.raises(ValueError, match="not the one that was written"):
        CheckedPostings(checked(found, 3), 2).all()


def test_every_changed_bit_of_a_block_is_found_where_the_input_is_read() -> None:
    rows = [Signed("first", b"123"), Signed("", b""), Signed("näme", bytes(40))]
    data = blocks.block(rows, 4096)
    assert [blocks.row(data, place, 4096 + place) for place in range(3)] == rows
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        for place, row in enumerate(rows):
            try:
                assert blocks.row(bytes(changed), place, 4096 + place) == row
            except ValueError:
                pass
    with pytest.raises(ValueError, match="not the one that was kept"):
        blocks.row(data, 0, 0)


def near(root: Path) -> toy.Line:
    line = toy.Line(root)
    stage = line.stage("kept", "Near", within=2)
    line.stages[0] = stage.replace(type="toy_decisions:Near")
    for key, number in NUMBERS.items():
        line.put(key, f"{number}\n")
    line.go()
    return line


def kept_index(line: toy.Line) -> KeptIndex:
    last = line.data("kept").last
    assert last is not None
    assert last.kept is not None
    return last.kept


def looked_up(line: toy.Line) -> tuple[list[tuple[int, int]], list[Signed]]:
    """What an index says about all terms that there are and some that there are not, and all of its inputs."""
    index = StoredIndex(line.data("kept"), kept_index(line))
    wanted = np.sort(postings.mixed(np.arange(80, dtype=np.uint64)))
    places, numbers = index.find(wanted)
    pairs = sorted(zip(places.tolist(), numbers.tolist(), strict=True))
    return pairs, [index.row(number) for number in range(len(index))]


@pytest.mark.store
def test_an_index_with_a_changed_byte_says_the_same_or_is_refused(tmp_path: Path) -> None:
    line = near(tmp_path)
    whole = looked_up(line)
    assert kept_index(line).checked
    assert len(whole[1]) == 6
    refused = 0
    for path in sorted((line.root / "store").glob("kept/*/0001/_reelmill/kept/*.bin")):
        data = path.read_bytes()
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            try:
                assert looked_up(line) == whole
            except StoreDamaged as error:
                refused += path.name in error.where
        for shorter in (data[:-12], data + bytes(12), b""):
            path.write_bytes(shorter)
            with pytest.raises(StoreDamaged):
                looked_up(line)
        path.write_bytes(data)
    assert refused > 100
    assert looked_up(line) == whole


@pytest.mark.store
@pytest.mark.parametrize("has_sums", [True, False])
def test_indexes_of_earlier_versions_are_read_and_grown(tmp_path: Path, has_sums: bool) -> None:
    line = near(tmp_path)
    whole = looked_up(line)
    as_earlier(line, has_sums=has_sums)
    assert looked_up(line) == whole
    for key, number in {"x": 12, "y": 70}.items():
        line.put(key, f"{number}\n")
    line.go()
    assert [item.key for item in line.data("kept").items()] == [*"acdefg", "y"]
    assert kept_index(line).checked


@pytest.mark.store
@pytest.mark.parametrize("has_sums", [True, False])
def test_a_changed_byte_in_an_index_of_an_earlier_version_is_found_and_repaired(tmp_path: Path, has_sums: bool) -> None:
    line = near(tmp_path)
    as_earlier(line, has_sums=has_sums)
    whole = looked_up(line)
    for file in kept_index(line).files:
        path = line.root / "store" / file.key
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(StoreDamaged):
            looked_up(line)
    done = repair(line.task(Step.SURVEY), os.environ, timeouts={"kept": 60}, now=1_800_000_000)
    assert [(row.key, row.why) for row in done.rows if not row.repaired] == []
    assert len(done.rows) == 2
    assert looked_up(line) == whole


def as_earlier(line: toy.Line, *, has_sums: bool) -> None:
    """Write the index of the last pass, and the records that name it, as earlier versions did."""
    index, record = StoredIndex(line.data("kept"), kept_index(line)), kept_index(line)
    (bucket,) = index.buckets()
    rows = [(key.encode(), data) for key, data in map(index.row, range(len(index)))]
    pieces = [piece for row in rows for piece in row]
    ends = [4 * (len(pieces) + 2)]
    for piece in pieces:
        ends.append(ends[-1] + len(piece))
    block = struct.pack(f"<{len(ends) + 1}I", len(rows), *ends) + b"".join(pieces)
    written = bucket.terms.astype("<u8").tobytes() + bucket.numbers.astype("<u4").tobytes(), block
    both = zip(record.files, written, strict=True)
    named = [Object(key=file.key, size=len(data), digest=sha256(data)) for file, data in both]
    for file, data in zip(named, written, strict=True):
        line.store.write(file.key, data)
    earlier = record.replace(
        buckets=(named[0],), blocks=(named[1],), checked=False, sums=tuple(map(zlib.crc32, written)) if has_sums else ()
    )
    paths = line.data("kept").paths(1)
    for key, model in ((paths.segment_json, Segment), (paths.verdicts_json, Verdicts)):
        line.store.write(key, dump(model.model_validate_json(line.store.read(key)).replace(kept=earlier)))
