"""A web server may change a file at any time: what is read by parts is of one version, or fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reelmill.contract.errors import (
    PreconditionFailed,
    RangesUnsupported,
    ServerRefused,
)
from reelmill_stages.store.ranges.ranged_media import ranged
from reelmill_stages.store.web.validator import Validator
from servers import faults
from store.web_site import BODY, Site

pytestmark = pytest.mark.store


def test_a_file_that_changed_is_noticed_whole_and_by_ranges(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    site.path.write_bytes(BODY[::-1])
    for asked in ({}, {"start": 3, "length": 9}):
        with pytest.raises(PreconditionFailed):
            site.store.read("k", if_match=etag, **asked)
    site.path.write_bytes(BODY + b"more")
    with pytest.raises(PreconditionFailed):
        site.store.fetch("k", tmp_path, if_match=etag)
    assert list(tmp_path.glob("*.part")) == []


def test_a_server_that_obeys_conditions_says_itself_that_a_file_changed(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    site.proxy.fault(faults.page(412), method="GET", times=9)
    for asked in ({}, {"start": 3, "length": 9}):
        with pytest.raises(PreconditionFailed):
            site.store.read("k", if_match=etag, **asked)
    assert len(site.proxy.seen) == 3


def test_a_range_asks_for_one_version_in_both_ways_that_servers_know(site: Site) -> None:
    stat = site.store.stat("k")
    tag = Validator.parsed(stat.etag).tag
    assert Validator.parsed(stat.etag).range_conditions() == {"If-Match": tag, "If-Range": tag}


def test_a_body_that_is_cut_is_continued_with_the_same_version(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    for asked in (lambda: site.store.read("k"), lambda: site.store.fetch("k", tmp_path, if_match=etag).read_bytes()):
        site.proxy.fault(faults.cut(100_000), method="GET")
        assert asked() == BODY
    assert site.proxy.sent < 5 * len(BODY)


@pytest.mark.parametrize("tag", [{"etag": 'W/"1"'}, {"etag": None, "last_modified": None}])
def test_ranges_are_not_joined_where_nothing_tells_versions_apart(site: Site, tmp_path: Path, tag: dict) -> None:
    site.proxy.fault(faults.headers(**tag), times=10)
    etag = site.store.stat("k").etag
    with pytest.raises(RangesUnsupported):
        site.store.read("k", start=1, length=2, if_match=etag)
    assert site.store.fetch("k", tmp_path, if_match=etag).read_bytes() == BODY


def test_a_date_tells_versions_apart_where_there_is_no_etag(site: Site) -> None:
    site.proxy.fault(faults.headers(etag=None), times=10)
    etag = site.store.stat("k").etag
    assert "GMT" in etag
    assert site.store.read("k", start=1, length=2, if_match=etag) == BODY[1:3]
    site.proxy.faults.clear()
    site.proxy.fault(faults.headers(etag=None, last_modified="Thu, 01 Jan 1970 00:00:00 GMT"), times=10)
    with pytest.raises(PreconditionFailed):
        site.store.read("k", if_match=etag)


def test_an_etag_without_quotes_is_ignored(site: Site) -> None:
    site.proxy.fault(faults.headers(etag="abc"), times=10)
    etag = site.store.stat("k").etag
    assert site.store.read("k", if_match=etag) == BODY
    assert site.store.read("k", start=1, length=2, if_match=etag) == BODY[1:3]


def ranges_of(first: int, more: int) -> Callable[[faults.Handler, bytes], None]:
    """The real answer to a request for a range, with `more` bytes than it asks for, or fewer."""

    def act(handler: faults.Handler, body: bytes) -> None:
        del handler.headers["Range"]
        _, headers, whole = handler.forward(body)
        part = whole[first : first + more]
        told = ("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(whole)}")
        handler.answer(206, [*headers, told], part)

    return act


def test_a_range_that_is_shorter_than_asked_for_is_completed(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    site.proxy.fault(ranges_of(10, 5), method="GET")
    assert site.store.read("k", start=10, length=20, if_match=etag) == BODY[10:30]
    site.proxy.fault(ranges_of(100_000, 5), method="GET")
    site.proxy.fault(faults.cut(100_000), method="GET")
    site.proxy.faults.reverse()
    assert site.store.fetch("k", tmp_path, if_match=etag).read_bytes() == BODY


def test_a_range_that_is_longer_than_asked_for_is_refused(site: Site) -> None:
    etag = site.store.stat("k").etag
    site.proxy.fault(ranges_of(10, 21), method="GET")
    with pytest.raises(ServerRefused, match="more than the 20 bytes"):
        site.store.read("k", start=10, length=20, if_match=etag)


def test_a_file_that_became_shorter_is_not_taken_for_its_beginning(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    past_end = faults.page(416)
    site.proxy.fault(past_end, method="GET")
    with pytest.raises(PreconditionFailed):
        site.store.read("k", start=10, length=20, if_match=etag)
    for version in (etag, ""):
        site.proxy.fault(past_end, method="GET")
        site.proxy.fault(faults.cut(100_000), method="GET")
        site.proxy.faults.reverse()
        with pytest.raises(PreconditionFailed):
            site.store.fetch("k", tmp_path, if_match=version)


def without_ranges(handler: faults.Handler, body: bytes) -> None:
    del handler.headers["Range"]
    handler.answer(*handler.forward(body))


def test_a_server_without_ranges_is_read_whole(site: Site, tmp_path: Path) -> None:
    stat = site.store.stat("k")
    site.proxy.fault(without_ranges, times=9)
    with pytest.raises(RangesUnsupported):
        site.store.read("k", start=5, length=5, if_match=stat.etag)
    site.proxy.fault(faults.cut(100_000), method="GET")
    site.proxy.faults.reverse()
    assert site.store.fetch("k", tmp_path, if_match=stat.etag).read_bytes() == BODY


def test_media_are_read_by_ranges(site: Site, tmp_path: Path) -> None:
    media = ranged(site.store, "k", tmp_path)
    file = media.open()
    file.seek(200_000)
    assert file.read(100) == BODY[200_000:200_100]
    assert media.transferred < len(BODY)
    site.path.write_bytes(BODY[::-1])
    file.seek(0)
    with pytest.raises(PreconditionFailed):
        file.read(100)
