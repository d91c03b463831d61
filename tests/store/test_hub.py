"""Data sets of the Hugging Face Hub: listed and read at one commit, with a token that goes nowhere else."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from reelmill.contract.errors import NotFound, PreconditionFailed, ServerRefused, SpecError, StoreError, TransientError
from reelmill.contract.task import Connection
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store.hub.store import HubStore
from reelmill_stages.store.open import open_location, open_store, split_uri
from reelmill_stages.store.ranges.ranged_media import ranged
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.web.turns import Turns
from servers import faults
from servers.faults import FaultProxy, fault_proxy
from servers.web_server import WebServer

pytestmark = pytest.mark.store

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)
LARGE = bytes(range(256)) * 64
FILES = {
    "README.md": b"# films",
    "videos/a b.mp4": LARGE,
    "videos/deep/c.mp4": b"small",
    "videos/ü.mp4": b"x",
    "z": b"",
}
TOKEN = "hf_token_of_tests"


@dataclass
class Hub:
    """A data set `somebody/films` on a server behind a proxy."""

    proxy: FaultProxy
    folder: Path
    turns: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    def commit(self, files: dict[str, bytes], name: str = "somebody/films") -> str:
        """Make these files the newest commit of `main`."""
        repository = self.folder / name
        commit = sha256(repr(sorted(files.items())).encode()).hexdigest()[:40]
        for path, data in files.items():
            (repository / commit / path).parent.mkdir(parents=True, exist_ok=True)
            (repository / commit / path).write_bytes(data)
        (repository / "refs.json").write_text(json.dumps({"main": commit, "refs/convert/parquet": commit}))
        return commit

    def store(self, name: str = "somebody/films", token: str = "", **limits: object) -> HubStore:
        env = {"HF_ENDPOINT": self.endpoint, "HF_TOKEN": token}
        return HubStore(
            f"hf://datasets/{name}",
            connection=Connection(),
            limits=WebLimits(**limits),  # type: ignore[arg-type]
            env=env,
            patience=QUICK,
            turns=Turns(4, 0.0, self.turns),
        )


@pytest.fixture
def hub(hub_server: WebServer, tmp_path: Path) -> Iterator[Hub]:
    with fault_proxy(hub_server.port) as proxy:
        shutil.rmtree(hub_server.folder)
        hub_server.folder.mkdir()
        found = Hub(proxy, hub_server.folder, tmp_path / "turns")
        found.commit(FILES)
        yield found


def test_the_listing_is_that_of_huggingface_hub(hub: Hub) -> None:
    told = {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in HfApi(hub.endpoint).list_repo_tree("somebody/films", repo_type="dataset", recursive=True)
        if hasattr(entry, "blob_id")
    }
    listed = list(hub.store().list())
    assert {stat.key: stat.etag.partition(" ")[2].strip('"') for stat in listed} == told
    assert {stat.key: stat.size for stat in listed} == {name: len(data) for name, data in FILES.items()}
    assert [stat.key for stat in listed] == sorted(FILES)


def test_a_prefix_is_a_beginning_of_names(hub: Hub) -> None:
    assert [stat.key for stat in hub.store().list("videos/d")] == ["videos/deep/c.mp4"]
    assert list(hub.store().list("none/")) == []
    assert list(hub.store().folders()) == ["videos"]
    assert list(hub.store().folders("videos/")) == ["deep"]


@pytest.mark.parametrize("key", FILES)
def test_a_file_is_what_was_listed(hub: Hub, tmp_path: Path, key: str) -> None:
    store = hub.store()
    stat = store.stat(key)
    assert stat == next(found for found in store.list() if found.key == key)
    assert store.read(key, if_match=stat.etag, version=stat.version) == FILES[key]
    assert store.fetch(key, tmp_path, if_match=stat.etag).read_bytes() == FILES[key]
    assert store.read(key, start=2, length=3, if_match=stat.etag) == FILES[key][2:5]


def test_what_was_listed_is_read_after_the_branch_went_on(hub: Hub) -> None:
    before = hub.store().stat("README.md")
    hub.commit({**FILES, "README.md": b"# other"})
    later = hub.store()
    assert later.read("README.md", if_match=before.etag, version=before.version) == b"# films"
    assert later.stat("README.md").etag != before.etag
    assert later.stat("z").etag == hub.store(f"somebody/films@{before.version}").stat("z").etag
    with pytest.raises(PreconditionFailed):
        later.read("README.md", if_match=before.etag)


def test_what_was_listed_is_read_after_the_history_was_rewritten_if_its_content_is_still_there(hub: Hub) -> None:
    before = {stat.key: stat for stat in hub.store().list()}
    shutil.rmtree(hub.folder / "somebody" / "films" / before["z"].version)
    hub.commit({**FILES, "z": b"another"})
    same, other = before["videos/a b.mp4"], before["z"]
    assert hub.store().read(same.key, if_match=same.etag, version=same.version) == LARGE
    assert hub.store().read(same.key, start=5, length=3, if_match=same.etag, version=same.version) == LARGE[5:8]
    with pytest.raises(NotFound):
        hub.store().read(other.key, if_match=other.etag, version=other.version)


def test_a_store_stays_at_the_commit_that_it_saw_first(hub: Hub) -> None:
    store = hub.store()
    store.stat("z")
    hub.commit({"README.md": b"# other"})
    assert len(list(store.list())) == len(FILES)


def test_a_revision_may_be_a_commit_or_have_slashes(hub: Hub) -> None:
    for revision in ("main", hub.store().stat("z").version, "refs%2Fconvert%2Fparquet"):
        assert hub.store(f"somebody/films@{revision}").read("z") == b""
    with pytest.raises(NotFound, match="no such data set or revision"):
        hub.store("somebody/films@v9").stat("z")


def test_a_private_data_set_needs_the_token(hub: Hub) -> None:
    hub.commit(FILES, "private/films")
    with pytest.raises(NotFound) as error:
        hub.store("private/films").stat("z")
    assert "HF_TOKEN" in error.value.hint
    assert hub.store("private/films", TOKEN).read("videos/a b.mp4") == LARGE


def test_the_token_is_not_sent_to_the_host_of_a_redirect(hub: Hub, hub_server: WebServer) -> None:
    hub.commit(FILES, "private/other")
    there = f"{hub_server.url}/cdn/private/other/{hub.commit(FILES, 'private/other')}/videos/a%20b.mp4"
    hub.proxy.fault(faults.redirect(there), path="/resolve/", times=9)
    with pytest.raises(ServerRefused, match="another server"):
        hub.store("private/other", TOKEN).read("videos/a b.mp4")
    allowed = {"allowed_hosts": ("127.0.0.1",), "private_servers": (hub_server.url,)}
    assert hub.store("private/other", TOKEN, **allowed).read("videos/a b.mp4") == LARGE


def test_the_id_of_the_content_is_the_same_with_and_without_quotes(hub: Hub) -> None:
    stat = hub.store().stat("videos/a b.mp4")
    content = stat.etag.partition(" ")[2].strip('"')
    for told in (content, f'"{content}"', f'W/"{content}"'):
        hub.proxy.fault(faults.headers(x_linked_etag=told), path="/resolve/")
        assert hub.store().read(stat.key, if_match=stat.etag, version=stat.version) == LARGE
    hub.proxy.fault(faults.headers(x_linked_etag="another"), path="/resolve/")
    with pytest.raises(PreconditionFailed):
        hub.store().read(stat.key, if_match=stat.etag, version=stat.version)


def test_a_list_of_files_without_its_end_is_not_taken_for_whole(hub: Hub) -> None:
    hub.commit({f"many/{number:03}": b"1" for number in range(40)})
    hub.proxy.fault(faults.page(404), path="cursor")
    with pytest.raises(NotFound):
        list(hub.store().list("many/"))


def test_ranges_and_faults_are_those_of_web_servers(hub: Hub, tmp_path: Path) -> None:
    store = hub.store()
    media = ranged(store, "videos/a b.mp4", tmp_path)
    with media.open() as file:
        file.seek(9000)
        assert file.read(50) == LARGE[9000:9050]
    hub.proxy.fault(faults.status(503, "x"), path="/api/")
    hub.proxy.fault(faults.cut(100), path="/cdn/")
    assert hub.store().read("videos/a b.mp4") == LARGE
    hub.proxy.fault(faults.page(200), path="/revision/", times=9)
    with pytest.raises(TransientError, match="not JSON"):
        hub.store().stat("z")
    hub.proxy.faults.clear()
    hub.proxy.fault(faults.longer(b"more"), path="/cdn/", times=9)
    with pytest.raises(ServerRefused, match="sends more"):
        hub.store().read("videos/a b.mp4", if_match=store.stat("videos/a b.mp4").etag)


def test_a_list_of_files_that_goes_on_elsewhere_is_refused(hub: Hub) -> None:
    hub.proxy.fault(faults.headers(link='<https://example.org/next>; rel="next"'), path="/tree/")
    with pytest.raises(StoreError, match=r"continues at https://example\.org"):
        list(hub.store().list())


@pytest.mark.parametrize(
    "uri", ["hf://models/a/b/c", "hf://datasets/a", "hf://datasets/a/b@/c", "hf://datasets/a b/c/d"]
)
def test_what_names_no_data_set_is_refused(uri: str) -> None:
    with pytest.raises(SpecError, match="not a data set of the Hugging Face Hub"):
        split_uri(uri)


def test_a_uri_opens_a_source_and_never_a_store() -> None:
    assert split_uri("hf://datasets/a/b@v1/x/y.mp4") == ("hf://datasets/a/b@v1", "x/y.mp4")
    assert isinstance(open_location("hf://datasets/a/b/x", Connection(), {}), HubStore)
    with pytest.raises(SpecError, match="not a store"):
        open_store("hf://datasets/a/b/x")
