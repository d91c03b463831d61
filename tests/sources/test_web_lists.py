"""Lists of URLs: each line or row is an item, or one failed row that says why."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.task import SourceDef, StoreRef
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.registry import check_source, source
from reelmill_stages.sources import Listed
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.sources.objects.web_stats import WebStats
from reelmill_stages.store.locations import Locations
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.web.store import WebStore
from servers import faults
from servers.faults import FaultProxy, fault_proxy
from servers.processes import free_ports
from servers.web_server import WebServer

pytestmark = pytest.mark.store


@dataclass
class Site:
    """A served folder, and a folder for lists of its URLs."""

    proxy: FaultProxy
    served: Path
    lists: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    def source(self, uri: object, **params: object) -> SourceDef:
        web = WebLimits(private_servers=(self.url,))
        return SourceDef(name="raw", key="k", type="table", params={"uri": str(uri), **params}, web=web)

    def listed(self, uri: object, **params: object) -> list[Listed]:
        told = self.source(uri, **params)
        adapter, block = source(told.type, told.params)
        store = StoreRef(uri=str(self.lists / "store"))
        return list(adapter(block, SourceBucket.of(told, store, {}), "raw"))

    def written(self, name: str, *lines: str) -> Path:
        path = self.lists / name
        path.write_text("\n".join(lines))
        return path


@pytest.fixture
def site(web_server: WebServer, tmp_path: Path) -> Iterator[Site]:
    with fault_proxy(web_server.port) as proxy:
        for name in ("a.mp4", "b c.mp4"):
            (web_server.folder / name).write_bytes(b"video " + name.encode())
        yield Site(proxy, web_server.folder, tmp_path)


def test_each_line_of_a_text_file_is_a_file(site: Site) -> None:
    path = site.written("urls.txt", "# films", "", f"{site.url}/a.mp4", f"  {site.url}/b%20c.mp4?from=list")
    first, second = site.listed(path)
    assert (first.key, first.fields, first.weight) == (f"{site.url}/a.mp4", {"vid": "a", "name": "a"}, 11.0)
    assert first.media is not None
    assert first.media.size == 11
    assert first.media.etag.startswith('11 "')
    assert second.fields == {"vid": "b c", "name": "b_c"}
    store, key = Locations(StoreRef(uri=str(site.lists)), [site.source(path)], {}).of_source(first.media.uri, "raw")
    assert store.read(key, if_match=first.media.etag) == b"video a.mp4"


def test_a_column_of_a_table_holds_urls_and_other_columns_are_kept(site: Site) -> None:
    path = site.written("t.csv", "link,text,licence", f"{site.url}/a.mp4,hello,CC0", f"{site.url}/a.mp4,again,CC0")
    columns = {"path": "link", "text": "text", "keep": ["licence"]}
    assert {item.fields["text"] for item in site.listed(path, columns=columns)} == {"hello", "again"}
    assert site.proxy.seen == ["HEAD /a.mp4"]


def test_the_list_may_be_on_the_server_with_paths_below_a_base(site: Site) -> None:
    (site.served / "list.txt").write_text("a.mp4\nno such.mp4\n")
    for more in ({}, {"base": f"{site.url}/"}):
        there, gone = site.listed(f"{site.url}/list.txt", **more)
        assert there.media is not None
        assert there.media.uri == f"{site.url}/a.mp4"
        assert gone.problem is not None
        assert gone.problem[0] == "missing"


def test_every_url_that_cannot_be_read_is_one_row_and_costs_no_other(site: Site) -> None:
    (port,) = free_ports(1)
    site.proxy.fault(faults.redirect("https://example.org/x"), path="/elsewhere", times=9)
    site.proxy.fault(faults.page(403), path="/denied", times=9)
    site.proxy.fault(faults.redirect(f"http://127.0.0.1:{port}/x"), path="/inside", times=9)
    wanted = {
        f"{site.url}/a.mp4": None,
        f"{site.url}/gone.mp4": "missing",
        f"{site.url}/elsewhere": "redirect",
        f"{site.url}/inside": "redirect",
        f"{site.url}/denied": "unreadable",
        f"http://127.0.0.1:{port}/x.mp4": "private_address",
        "http://169.254.169.254/latest/meta-data": "private_address",
        f"{site.url}/a.mp4?X-Amz-Signature=1": "bad_path",
        f"{site.url}/a.mp4#t=1": "bad_path",
        "https://user:word@example.org/a.mp4": "bad_path",
        "https://[::1/x": "unreadable",
        "gopher://example.org/x": "bad_path",
        "https://example.org/": "bad_path",
    }
    rows = site.listed(site.written("urls.txt", *wanted))
    found = {row.key.partition(":row-")[0]: row.problem and row.problem[0] for row in rows}
    plain = {url: reason for url, reason in wanted.items() if reason != "bad_path"}
    assert {url: found[url] for url in plain} == plain
    assert sum(row.problem is not None and row.problem[0] == "bad_path" for row in rows) == len(wanted) - len(plain)
    assert "word" not in json.dumps([row.problem for row in rows])


def test_a_server_that_is_down_is_not_asked_for_every_file_of_a_long_list(site: Site) -> None:
    (port,) = free_ports(1)
    down = f"http://127.0.0.1:{port}"
    patience = Patience(attempts=2, first=0.01, longest=0.01)
    stats = WebStats(lambda root: WebStore(root, limits=WebLimits(private_servers=(down,)), patience=patience))
    urls = [f"{down}/{number}" for number in range(200)]
    for url in urls:
        stats.expect(url)
    found = [stat.problem for url in urls if (stat := stats.stat(url)) and stat.problem]
    assert {problem.reason for problem in found} == {"s3_5xx"}
    assert sum("did not answer for 3 files" in problem.message for problem in found) > 150


def test_files_are_asked_for_once_and_ahead(site: Site) -> None:
    site.proxy.latency = 0.05
    urls = [f"{site.url}/a.mp4?n={number}" for number in range(40)]
    assert {row.key for row in site.listed(site.written("urls.txt", *urls))} == set(urls)
    assert len(site.proxy.seen) == 40


def test_a_folder_of_a_web_server_is_refused_before_anything_is_asked(site: Site) -> None:
    with pytest.raises(SpecError, match="no listing"):
        check_source("files", {"uri": f"{site.url}/videos/"})
    assert site.proxy.seen == []
