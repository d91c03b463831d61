"""One odd entry in a source folder costs itself: the good files are listed, and every entry is accounted for."""

import os
import stat as modes
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.task import Connection
from reelmill_stages.registry import source
from reelmill_stages.sources import Listed
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.store.open import open_location, split_uri
from servers.server_thread import serving
from source_folders import items, listed, put, reasons


def told(rows: list[Listed]) -> dict[str, str]:
    return {row.key: row.problem[0] if row.problem else "" for row in rows}


def test_a_name_that_is_not_utf8_is_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4", os.fsdecode(b"bad\xff.mp4"), os.fsdecode(b"bad\xff.txt"))
    rows = listed("files", uri=tmp_path)
    assert told(rows) == {"good.mp4": "", r"bad\xff.mp4": "bad_path"}
    assert r"not valid UTF-8: bad\xff.mp4" in next(row.problem[1] for row in rows if row.problem)


def test_a_folder_whose_name_is_not_utf8_is_one_failed_row_whatever_is_in_it(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4", os.fsdecode(b"day\xff/a.mp4"), os.fsdecode(b"day\xff/b.mp4"))
    assert told(listed("files", uri=tmp_path)) == {"good.mp4": "", r"day\xff": "bad_path"}
    assert told(listed("files", uri=tmp_path, exclude=["day*/**"])) == {"good.mp4": ""}


def test_an_escaped_name_and_a_file_that_is_really_called_so_are_two_rows(tmp_path: Path) -> None:
    put(tmp_path, os.fsdecode(b"bad\xff.mp4"), r"bad\xff.mp4")
    rows = listed("files", uri=tmp_path)
    assert (len(items(rows)), reasons(rows)) == (1, ["bad_path"])


@pytest.mark.parametrize("target", ["l.mp4", "nowhere.mp4", "m.mp4"])
def test_a_link_that_leads_nowhere_is_one_failed_row(tmp_path: Path, target: str) -> None:
    put(tmp_path, "good.mp4")
    (tmp_path / "l.mp4").symlink_to(target)
    if target == "m.mp4":
        (tmp_path / "m.mp4").symlink_to("l.mp4")
    (tmp_path / "notes.txt").symlink_to("notes.txt")
    links = {"l.mp4": "missing"} | ({"m.mp4": "missing"} if target == "m.mp4" else {})
    assert told(listed("files", uri=tmp_path)) == {"good.mp4": "", **links}


def test_a_link_to_a_folder_on_a_disk_that_is_away_is_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4")
    (tmp_path / "archive").symlink_to("/nowhere/archive")
    assert told(listed("files", uri=tmp_path)) == {"good.mp4": "", "archive": "missing"}


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes of Linux")
@pytest.mark.parametrize("attribute", [b"garbage", b"{}", b"[]", b'{"of": 1, "etag": 2}', b"[" * 1000])
def test_somebody_elses_extended_attribute_is_no_record_of_ours(tmp_path: Path, attribute: bytes) -> None:
    put(tmp_path, "good.mp4", "b.mp4", "notes.txt")
    for name in ("b.mp4", "notes.txt"):
        os.setxattr(tmp_path / name, "user.reelmill", attribute)
    assert told(listed("files", uri=tmp_path)) == {"good.mp4": "", "b.mp4": ""}


def test_links_among_folders_end(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4", *(f"d{n}/{n}.mp4" for n in range(9)))
    for one in range(9):
        for other in range(9):
            if one != other:
                (tmp_path / f"d{one}" / f"l{other}").symlink_to(f"../d{other}")
    rows = listed("files", uri=tmp_path)
    assert reasons(rows) == []
    assert {"good.mp4", *(f"d{n}/{n}.mp4" for n in range(9))} <= {row.key for row in rows}
    assert len(rows) == 1 + 9 * 9


def test_links_among_folders_outside_end_and_each_is_listed(tmp_path: Path) -> None:
    put(tmp_path / "out", *(f"d{n}/{n}.mp4" for n in range(9)))
    for one in range(9):
        for other in range(9):
            if one != other:
                (tmp_path / "out" / f"d{one}" / f"l{other}").symlink_to(f"../d{other}")
    (put(tmp_path / "in", "good.mp4") / "far").symlink_to(tmp_path / "out" / "d0")
    rows = listed("files", uri=tmp_path / "in")
    assert sorted(row.fields["vid"] for row in rows) == [*map(str, range(9)), "good"]


def test_a_link_to_the_folder_above_ends(tmp_path: Path) -> None:
    put(tmp_path, "in/good.mp4", "beside/b.mp4")
    (tmp_path / "in" / "up").symlink_to("..")
    assert told(listed("files", uri=tmp_path / "in")) == {"good.mp4": "", "up/beside/b.mp4": ""}


def test_a_path_that_is_too_long_for_a_key_is_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4", "dddddddddd/" * 110 + "x.mp4")
    assert sorted(told(listed("files", uri=tmp_path)).values()) == ["", "bad_path"]


def test_a_path_that_is_too_long_for_the_system_is_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4")
    above = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=above)
        inside = os.open("d" * 200, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = inside
    os.close(os.open("x.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=above))
    os.close(above)
    rows = listed("files", uri=tmp_path)
    assert ([row.key for row in items(rows)], reasons(rows)) == (["good.mp4"], ["bad_path"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_or_file_is_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "good.mp4", "secret/a.mp4", "b.mp4")
    (tmp_path / "secret").chmod(0)
    (tmp_path / "b.mp4").chmod(0)
    try:
        found = told(listed("files", uri=tmp_path))
    finally:
        (tmp_path / "secret").chmod(0o700)
    assert found == {"good.mp4": "", "secret": "unreadable", "b.mp4": "unreadable"}


def test_a_row_whose_file_cannot_be_read_says_why(tmp_path: Path) -> None:
    (put(tmp_path, "m/meta.csv", content=b"path\nl.mp4\n") / "m" / "l.mp4").symlink_to("l.mp4")
    (row,) = listed("table", uri=tmp_path / "m" / "meta.csv")
    assert row.problem
    assert "leads back to itself" in row.problem[1]


@pytest.mark.parametrize(("type_", "name"), [("tars", "bad.tar"), ("images", "img_1.jpg")])
def test_every_source_of_files_has_a_row_for_an_odd_entry(tmp_path: Path, type_: str, name: str) -> None:
    (tmp_path / name).symlink_to(name)
    assert told(listed(type_, uri=tmp_path)) == {name: "missing"}


LISTING = """<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>raw</Name>
<Prefix>set/</Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{}
</ListBucketResult>"""
OBJECT = """<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>5</Size>
</Contents>"""
KEYS = ("ok.mp4", "/double.mp4", "sub//deep.mp4", "plus+%20#.mp4", "../up.mp4", "./a.mp4", "a\nb.mp4", "folder/")


class Answers(BaseHTTPRequestHandler):
    """A bucket as AWS's: other servers take no such keys."""

    def do_GET(self) -> None:
        listing = LISTING.format("".join(OBJECT.format(quote(f"set/{key}")) for key in KEYS))
        known = {f"/raw/set/{quote(key)}" for key in KEYS}
        body = listing.encode() if "list-type" in self.path else b"video"
        self.send_response(200 if "list-type" in self.path or self.path in known else 404)
        for name, value in (("Content-Length", str(len(body))), ("ETag", '"e"')):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_keys_with_empty_parts_are_items_and_those_that_no_request_can_name_are_failed_rows(endpoint: str) -> None:
    connection, env = Connection(endpoint=endpoint), {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s" * 8}
    adapter, block = source("files", {"uri": "s3://raw/set/"})
    rows = list(adapter(block, SourceBucket.connected(connection, env), "raw"))
    good, bad = KEYS[:4], KEYS[4:]
    assert told(rows) == dict.fromkeys(good, "") | dict.fromkeys(bad, "bad_path")
    assert all(row.problem[1].isprintable() for row in rows if row.problem)
    store = open_location("s3://raw", connection, env)
    assert [store.read(split_uri(row.media.uri)[1]) for row in items(rows) if row.media] == [b"video"] * 4


NAME = st.binary(min_size=1, max_size=6).filter(lambda name: not {*b"\0/~"} & {*name} and name not in (b".", b".."))
PLACE = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
KIND = st.sampled_from(["file", "link", "pipe"])


@given(st.lists(st.tuples(PLACE, NAME, KIND, PLACE), max_size=12))
def test_whatever_lies_in_a_folder_every_good_file_is_an_item_and_every_other_entry_a_failed_row(
    entries: list[tuple[list[str], bytes, str, list[str]]],
) -> None:
    with tempfile.TemporaryDirectory() as root:
        top = Path(root) / "top"
        top.mkdir()
        for place, name, kind, target in entries:
            folder = top.joinpath(*place)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / os.fsdecode(name + b".mp4")
            if os.path.lexists(path):
                continue
            if kind == "file":
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            elif kind == "pipe":
                os.mkfifo(path)
            else:
                path.symlink_to(top.joinpath(*target))
        rows = listed("files", uri=top)
        good, bad = entries_of(top)
        assert good <= {row.key for row in items(rows)}
        assert bad <= {row.key.partition("~")[0] for row in rows if row.problem}


def entries_of(top: Path) -> tuple[set[str], set[str]]:
    """Paths of the files that can be named, and escaped paths of all that is neither such a file nor a folder."""
    good, bad = set(), set()
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            below = os.fsencode(path.relative_to(top))
            text = below.decode(errors="backslashreplace")
            try:
                regular = modes.S_ISREG(path.stat().st_mode)
            except OSError:
                regular = False
            plain = below.decode(errors="replace") == text and not any(byte < 32 or byte == 127 for byte in below)
            (good if regular and plain else bad).add(text)
    return good, bad
