"""Tars of other writers: the same samples as stock webdataset has, and an end to every walk."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pack.broken_tars import GOOD, tar
from pack.foreign_tars import TRAILER, by_tarfile, header, member, old_sparse, padded, pax, pax_sparse, with_field
from pack.readers import stock
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.datasets.tar_set import TarSet
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.index.stage import IndexStage
from reelmill_stages.stages.pack.check import TarsCheck
from reelmill_stages.tar.inspect import Contents, contents
from reelmill_stages.tar.samples import samples
from reelmill_stages.tar.walk import read, walk
from worker_desk import Desk

GOOD_MEMBERS = b"".join(member(name.encode(), data) for name, data in GOOD)
STOCKS_OWN = {"__key__", "__url__", "__local_path__"}
PIECES = [(0, b"first"), (16384, b"second"), (50000, b"x" * 700)]


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a.tar"
    path.write_bytes(data)
    return path


def payloads(path: Path) -> list[dict[str, bytes]]:
    return [
        {"__key__": os.fsencode(sample.key), **{name: read(path, part) for name, part in sample.parts.items()}}
        for sample in samples(walk(path))
    ]


def as_stock_sees(path: Path) -> list[dict[str, bytes]]:
    return [
        {
            "__key__": os.fsencode(sample["__key__"]),
            **{name: data for name, data in sample.items() if name not in STOCKS_OWN},
        }
        for sample in stock(path)
    ]


def sparse(form: str, name: bytes, pieces: list[tuple[int, bytes]], size: int) -> bytes:
    return old_sparse(name, pieces, size) if form == "old" else pax_sparse(name, pieces, size, form)


@pytest.mark.parametrize("form", ["old", "0.0", "0.1", "1.0"])
@pytest.mark.parametrize("count", [1, 4, 5, 30, 60])
def test_sparse_members_of_every_format_have_the_bytes_that_stock_webdataset_gives(
    tmp_path: Path, form: str, count: int
) -> None:
    pieces = [(place * 4096, b"piece %d" % place) for place in range(1, count + 1)]
    both = [sparse(form, b"%d.bin" % number, pieces, 400_000) + member(b"%d.json" % number, b"{}") for number in (0, 1)]
    path = written(tmp_path, b"".join(both) + TRAILER)
    assert payloads(path) == as_stock_sees(path)
    assert contents(path).count == 2
    assert contents(path).problems == []


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_sparse_tars_of_gnu_tar_count_the_samples_that_they_hold(tmp_path: Path, form: str) -> None:
    names = []
    for number in range(3):
        (tmp_path / f"s{number}.json").write_text(json.dumps({"caption": f"cap s{number}"}))
        with (tmp_path / f"s{number}.bin").open("wb") as file:
            for place in (1, 2):
                file.seek(place * 16384)
                file.write(b"data%d" % place)
            file.truncate(60000)
        names += [f"s{number}.json", f"s{number}.bin"]
    path = tmp_path / "sparse.tar"
    subprocess.run(["tar", "-S", f"--format={form}", "-cf", path, "-C", tmp_path, *names], check=True)
    found = contents(path)
    assert (found.count, found.problems) == (3, [])
    assert payloads(path) == as_stock_sees(path)


def test_a_reader_of_samples_by_number_gives_sparse_members_with_their_holes(tmp_path: Path) -> None:
    data = member(b"a.json", b"{}") + old_sparse(b"a.bin", PIECES, 60_000) + member(b"b.json", b"{}") + TRAILER
    written(tmp_path, data)
    found = TarSet(str(tmp_path))[0].parts["bin"]
    assert (len(found), found[:5], found[16384:16390], found[5:16384]) == (60_000, b"first", b"second", bytes(16379))


STRAYS = {
    "README": [("README", b"hi"), *GOOD],
    "apple double": [each for name, data in GOOD for each in (("._" + name, b"\0\5\26\7"), (name, data))],
    "empty caption": [*GOOD, ("000000001.txt", b"")],
}


@pytest.mark.parametrize("kind", sorted(STRAYS))
def test_stray_members_and_empty_captions_are_counted_and_cost_no_tar(tmp_path: Path, kind: str) -> None:
    path = tar(tmp_path / "a.tar", STRAYS[kind])
    item = Item("a.tar", 0, "g", 1.0, Media(str(path), path.stat().st_size))
    (done,) = IndexStage(IndexBlock()).process([Input(item, 0)], Desk(tmp_path / "work"))
    assert isinstance(done, Done)
    assert done.items[0].fields["samples"] == len(stock(path)) == 2
    expected = {"README": ("no_extension", 1), "apple double": ("no_extension", 4), "empty caption": ("empty_part", 1)}
    assert dict([expected[kind]]) == done.counters
    assert done.message == contents(path).remarks != ""
    (row, *_) = TarsCheck().check(tmp_path)
    assert row.ok
    assert row.message == f"2 samples; {done.message}"


SPARSE_1_0 = pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"))
HOSTILE = {
    "negative size in octal": header(b"0.json", b"-0000001000"),
    "negative size in base 256": header(b"0.json", b"\xff" * 12),
    "size of another base": header(b"0.json", b"0x000000200"),
    "size with underscores": header(b"0.json", b"0_000000010"),
    "size beyond all files": header(b"0.json", b"\x80" + b"\x7f" * 11),
    "negative size in pax": pax((b"size", b"-1536")) + member(b"0.json", b"{}"),
    "no number in pax": pax((b"size", b"abc")) + member(b"0.json", b"{}"),
    "a number of 5000 digits in pax": pax((b"size", b"9" * 5000)) + member(b"0.json", b"{}"),
    "long name of a negative size": header(b"././@LongLink", b"-0000000777", b"L"),
    "long name beyond a mebibyte": header(b"././@LongLink", (1 << 20) + 1, b"L"),
    "pax record of a negative length": member(b"x", b"-9 path=a\n", b"x") + member(b"0.json", b"{}"),
    "pax record beyond its header": member(b"x", b"99 path=a\n", b"x") + member(b"0.json", b"{}"),
    "endless extensions": b"".join(pax((b"path", b"a.json")) for _ in range(2000)),
    "sparse map that goes back": old_sparse(b"0.bin", [(4096, b"a"), (0, b"b")], 8192),
    "sparse map beyond its file": old_sparse(b"0.bin", [(4096, b"abc")], 4097),
    "sparse map of more than is stored": pax_sparse(b"0.bin", [(0, b"a")], 9, "0.1").replace(b"0,1", b"0,9"),
    "no number as mode": with_field(header(b"0.json", 2), 100, b"rw-r--r--"[:8]) + padded(b"{}"),
    "no number as time": with_field(header(b"0.json", 2), 136, b"1 2") + padded(b"{}"),
    "no number as device": with_field(header(b"0.json", 2), 329, b"sda1") + padded(b"{}"),
    "extension header without a member": pax((b"path", b"0.json")),
    "sparse map without an end": SPARSE_1_0 + member(b"0.bin", b"9" * 600),
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_header_that_lies_ends_the_walk_with_one_clear_problem(tmp_path: Path, kind: str) -> None:
    found = contents(written(tmp_path, GOOD_MEMBERS + HOSTILE[kind] + TRAILER))
    (problem,) = found.problems
    assert problem.rule == "corrupt_header"
    assert "byte" in problem.message
    assert found.count == 1, "the sample before the last one that was begun is whole"


def test_a_sparse_member_that_stands_for_an_absurd_size_is_counted_and_not_made(tmp_path: Path) -> None:
    data = member(b"0.json", b"{}") + old_sparse(b"0.0.jpg", [(0, b"x")], 1 << 32) + TRAILER
    path = written(tmp_path, data)
    assert contents(path).count == 1
    item = Item("a.tar", 0, "g", 1.0, Media(str(path), path.stat().st_size))
    (failed,) = IndexStage(IndexBlock(check="full")).process([Input(item, 0)], Desk(tmp_path / "work"))
    assert "too_large: sparse member 0.0.jpg has 4294967296 bytes" in failed.message


def test_other_compressions_than_gzip_are_named_too(tmp_path: Path) -> None:
    (problem,) = contents(written(tmp_path, b"\xfd7zXZ\0" + bytes(2000))).problems
    assert problem.rule == "compressed"
    assert "xz" in problem.message


def test_a_global_header_that_is_damaged_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    clean = written(tmp_path / "clean", GOOD_MEMBERS + TRAILER)
    path = written(tmp_path, member(b"x", b"garbage", b"g") + GOOD_MEMBERS + TRAILER)
    # Stock webdataset reads it with Python 3.11 and 3.12; 3.13's tarfile refuses it.
    assert payloads(path) == as_stock_sees(clean)


@pytest.mark.parametrize(
    "index", [b"", b"x" * 12, bytes(8) + b"\xff" * 8 + bytes(8)], ids=["empty", "odd", "backwards"]
)
def test_an_index_that_lies_is_refused_by_its_name(tmp_path: Path, index: bytes) -> None:
    written(tmp_path, GOOD_MEMBERS + TRAILER)
    (tmp_path / ".nv-meta").mkdir()
    (tmp_path / ".nv-meta" / ".info.json").write_text('{"shard_counts": {"a.tar": 2}}')
    (tmp_path / "a.tar.idx").write_bytes(index)
    with pytest.raises(SpecError, match="index"):
        TarSet(str(tmp_path))[0]


@pytest.mark.parametrize("name", ["/etc/a.tar", "../a.tar", "d/../../a.tar", "s3://bucket/a.tar"])
def test_a_list_of_tars_that_names_one_outside_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / ".nv-meta").mkdir()
    (tmp_path / ".nv-meta" / ".info.json").write_text(json.dumps({"shard_counts": {name: 2}}))
    with pytest.raises(SpecError, match="named outside of the folder"):
        TarSet(str(tmp_path))


NAMES = st.text(alphabet="ab.-_/éA\n", min_size=1, max_size=6).map(lambda name: name.strip("/") or "x")
WORDS = st.sampled_from(
    ["a.json", "a.txt", "b.json", "d/b.0.jpg", "README", "._a.json", "__m__", "a.JSON", f"{'x' * 60}/{'x' * 60}.txt"]
)
FORMS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """A member by some writer."""
    name, data = draw(NAMES | WORDS), draw(st.binary(max_size=600))
    kind = draw(st.sampled_from(["plain"] * 6 + ["old", "0.0", "0.1", "1.0", "global", "folder", "link", "unknown"]))
    raw = name.encode()[:100]
    if kind == "plain":
        form = draw(FORMS)
        return by_tarfile(name.replace("é", "e") if form == tarfile.USTAR_FORMAT else name, data, form)
    if kind == "global":
        return pax((b"comment", raw), kind=b"g")
    if kind in ("folder", "link"):
        return header(raw, draw(st.integers(0, 2000)), b"5" if kind == "folder" else b"2")
    if kind == "unknown":
        return header(raw, len(data), b"V") + padded(data)
    offset = draw(st.integers(0, 3000))
    pieces = [(offset, data or b"x"), (offset + 1 + len(data) + draw(st.integers(0, 900)), b"end")]
    return sparse(kind, raw, pieces, offset + len(data) + 2000)


def is_readable(path: Path) -> list[dict[str, bytes]] | None:
    try:
        return as_stock_sees(path)
    except ValueError:
        return None


@given(members=st.lists(parts(), max_size=8))
def test_samples_are_those_of_stock_webdataset_in_any_tar_that_it_reads(
    members: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("t"), b"".join(members) + member(b"z.json", b"{}") + TRAILER)
    theirs, found = is_readable(path), contents(path)
    if theirs is None:
        assert "duplicate_part" in {problem.rule for problem in found.problems}
    elif not found.dashed:
        assert payloads(path) == theirs
        assert found.count == len(theirs)


ATTRIBUTES = st.sampled_from([(100, 8), (108, 8), (116, 8), (136, 12), (257, 8), (329, 8), (337, 8), (345, 40)])
VALUES = st.sampled_from([b"", b"7", b" 7 ", b"1 2", b"-1", b"0o7", b"1_0", b"8", b"abc", b"\x80", b"\xff\xff", b"d/e"])
NAMING = {
    "none": b"",
    "long name": member(b"././@LongLink", b"long.txt\0", b"L"),
    "empty long name": member(b"././@LongLink", b"\0", b"L"),
    "empty path": pax((b"path", b"")),
    "path with a slash": pax((b"path", b"pax.txt/")),
    "sparse name with a slash": pax((b"GNU.sparse.name", b"sparse.txt/")),
}


@settings(max_examples=200)
@given(
    field=ATTRIBUTES,
    value=VALUES,
    fill=st.sampled_from([b"\0", b" ", b"0"]),
    naming=st.sampled_from(sorted(NAMING)),
)
def test_a_header_at_which_stock_webdataset_ends_early_is_named_and_any_other_is_read_as_it_does(
    field: tuple[int, int], value: bytes, fill: bytes, naming: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at, size = field
    changed = with_field(header(b"b.json", 2), at, value.ljust(size, fill)) + padded(b"{}")
    data = member(b"a.json", b"{}") + NAMING[naming] + changed + member(b"c.json", b"{}") + TRAILER
    path = written(tmp_path_factory.mktemp("t"), data)
    theirs, found = is_readable(path), contents(path)
    if theirs and theirs[-1]["__key__"] == b"c":
        assert payloads(path) == theirs
        assert found.problems == []
    else:
        assert [problem.rule for problem in found.problems] == ["corrupt_header"]


EXTENSIONS = st.sampled_from([b"x", b"g", b"L"])
BLOCKS = (
    st.builds(header, st.binary(max_size=90), st.binary(min_size=1, max_size=12), st.binary(min_size=1, max_size=1))
    | st.builds(lambda data, kind: member(b"x", data, kind), st.binary(max_size=90), EXTENSIONS)
    | st.builds(header, st.binary(max_size=60), st.just(0))
    | st.binary(min_size=1, max_size=600).map(padded)
)


@given(blocks=st.lists(BLOCKS, max_size=12), cut=st.integers(0, 600))
def test_a_walk_over_any_bytes_ends_with_samples_or_one_clear_problem(
    blocks: list[bytes], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = b"".join(blocks) + TRAILER
    found = contents(written(tmp_path_factory.mktemp("t"), data[: max(0, len(data) - cut)]))
    assert isinstance(found, Contents)
    assert len([problem for problem in found.problems if problem.rule in ("corrupt_header", "truncated")]) <= 1
