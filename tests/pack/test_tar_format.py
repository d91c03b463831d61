"""The tar writer and the header-only walker, against the standard library's."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.errors import ItemError
from reelmill_stages.tar.walk import BadTar, Walk, read, walk
from reelmill_stages.tar.write import TarWriter, header

MEMBERS = [("000000000.json", b"{}"), ("000000000.mp4", b"x" * 511), ("a/b-1.0.jpg", b""), ("n" * 100, b"y" * 513)]


def written(path: Path, members: list[tuple[str, bytes]] = MEMBERS) -> Path:
    with TarWriter(path) as tar:
        for name, data in members:
            tar.begin()
            tar.add(name, data)
    return path


def test_the_standard_library_reads_what_was_written(tmp_path: Path) -> None:
    with tarfile.open(written(tmp_path / "x.tar")) as tar:
        assert [(member.name, tar.extractfile(member).read()) for member in tar] == MEMBERS
        assert {(m.mtime, m.uid, m.gid, m.mode, m.uname, m.gname, m.type) for m in tar} == {
            (0, 0, 0, 0o444, "", "", tarfile.REGTYPE)
        }


def test_a_header_is_the_standard_librarys_ustar_header() -> None:
    info = tarfile.TarInfo("000000012.mp4")
    info.size, info.mode, info.mtime = 123_456, 0o444, 0
    theirs = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    ours = bytearray(header("000000012.mp4", 123_456))
    for block in (theirs, ours):  # device numbers of regular files and the checksum over them: releases differ
        block[329:345] = block[148:156] = b""
    assert ours == theirs


def test_a_member_is_copied_from_a_file_or_from_memory_to_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(b"z" * 3_000_001)
    for name, data in (("file.tar", tmp_path / "payload"), ("memory.tar", b"z" * 3_000_001)):
        with TarWriter(tmp_path / name) as tar:
            tar.add("a.bin", data)
    assert (tmp_path / "file.tar").read_bytes() == (tmp_path / "memory.tar").read_bytes()


def test_a_tar_is_a_whole_number_of_records(tmp_path: Path) -> None:
    for size in (0, 1, 512, 9_000, 10_240):
        with TarWriter(tmp_path / "x.tar") as tar:
            tar.add("a.bin", b"x" * size)
        assert (tmp_path / "x.tar").stat().st_size % tarfile.RECORDSIZE == 0


@pytest.mark.parametrize("name", ["", "n" * 101, "ü.mp4"])
def test_a_name_that_plain_ustar_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ItemError) as caught:
        header(name, 1)
    assert caught.value.reason == "bad_name"


def test_eight_gibibytes_are_refused() -> None:
    header("a.mp4", 8**11 - 1)
    with pytest.raises(ItemError) as caught:
        header("a.mp4", 8**11)
    assert caught.value.reason == "too_large"


def test_an_unfinished_tar_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ItemError), TarWriter(tmp_path / "x.tar") as tar:
        tar.add("", b"x")
    assert not list(tmp_path.iterdir())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.from_regex(r"[a-z0-9/]{1,40}\.[a-z]{1,4}", fullmatch=True), st.binary(max_size=2000))))
def test_the_walker_finds_what_was_written(tmp_path_factory, members: list[tuple[str, bytes]]) -> None:
    path = written(tmp_path_factory.mktemp("tar") / "x.tar", members)
    left = Walk()
    found = list(walk(path, left))
    assert [(member.name, read(path, member)) for member in found] == members
    with tarfile.open(path) as tar:
        assert [member.offset for member in found] == [member.offset for member in tar]
        assert left.end == tar.offset


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_walker_understands_other_writers(tmp_path: Path, form: int) -> None:
    names = ["short.json", "folder/" + "d" * 90 + "/" + "n" * 80 + ".json"]
    if form != tarfile.USTAR_FORMAT:
        names += ["é" * 80 + ".json", "x" * 300 + ".json"]
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 700
            info.mtime = 1.5
            tar.addfile(info, io.BytesIO(b"d" * 700))
    found = list(walk(tmp_path / "x.tar"))
    with tarfile.open(tmp_path / "x.tar") as tar:
        theirs = [(m.name, m.offset, m.offset_data, m.size) for m in tar if m.isreg()]
    assert [(member.name, member.offset, member.data, member.size) for member in found] == theirs


@pytest.mark.parametrize("length", [1, 511, 512, 700, 1024, 1500, 2500])
def test_a_tar_that_ends_early_is_found_wherever_it_ends(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "x.tar", [("a.json", b"x" * 600), ("a.mp4", b"y" * 600)])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadTar) as caught:
        list(walk(path))
    assert (caught.value.reason, caught.value.rule) == ("bad_tar", "truncated")


def test_a_changed_header_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "x.tar")
    data = bytearray(path.read_bytes())
    for place in range(0, 512, 37):
        data[place] ^= 1
        path.write_bytes(data)
        with pytest.raises(BadTar) as caught:
            list(walk(path))
        assert caught.value.rule == "corrupt_header"
        data[place] ^= 1
