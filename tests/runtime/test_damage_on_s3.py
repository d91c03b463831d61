"""Damage in a bucket, on real servers: found by the deep check, refused by readers, repaired where that is possible."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.errors import StoreDamaged, TransientError
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import Connection, Step, StoreRef
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.commands.integrity.repair import repair
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import owned
from reelmill_stages.runtime.verify.digest_comparison import damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.store import Store
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.s3.store import S3Store
from servers.faults import Fault, fault_proxy, status
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
UPPER = "upper/*/0001/_reelmill"


@pytest.fixture
def line(s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> toy.Line:
    """A source with captions and a stage with a view, complete, in a bucket."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    ref = StoreRef(uri=f"s3://{make_bucket(s3_server)}/data", connection=Connection(endpoint=s3_server.endpoint))
    line = toy.Line(tmp_path, ref=ref)
    line.stage("upper")
    for key in "abc":
        line.put(key, f"text {key}\n")
    line.go()
    return line


def find(store: Store, pattern: str) -> str:
    found = [stat.key for stat in store.list() if Path(stat.key).match(pattern)]
    assert found, pattern
    return found[0]


def put(store: Store, key: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
    store.write(key, data, metadata=metadata)


def flip(store: Store, key: str) -> None:
    """Other bytes under the same metadata, as a copy that went wrong leaves them."""
    data = store.read(key)
    put(store, key, bytes([data[0] ^ 1]) + data[1:], store.stat(key).metadata)


def cut(store: Store, key: str) -> None:
    put(store, key, store.read(key)[:-3], store.stat(key).metadata)


def overwrite(store: Store, key: str) -> None:
    data = store.read(key)
    put(store, key, bytes([data[0] ^ 1]) + data[1:])


def delete(store: Store, key: str) -> None:
    store.delete(key)


Change = Callable[[Store, str], None]
CASES: list[tuple[str, Change]] = [
    ("upper/*/0001/out/a.txt", flip),
    ("upper/*/0001/out/a.txt", cut),
    ("upper/*/0001/out/a.txt", overwrite),
    ("upper/*/0001/out/a.txt", delete),
    (f"{UPPER}/items/*", flip),
    (f"{UPPER}/items/*", delete),
    (f"{UPPER}/ledger/*", cut),
    (f"{UPPER}/ledger/*", delete),
    (f"{UPPER}/segment.json", cut),
    (f"{UPPER}/segment.json", delete),
    (f"{UPPER}/pass.json", cut),
    (f"{UPPER}/pass.json", delete),
    (f"{UPPER}/shards/*.json", cut),
    ("upper/*/_reelmill/stage.json", cut),
    ("upper/*/_reelmill/stage.json", flip),
    ("upper/*/_reelmill/stage.json", delete),
    ("upper/latest.json", cut),
    ("upper/latest.json", delete),
    ("upper/*/all.json", flip),
    ("upper/*/all.json", overwrite),
    ("upper/*/all.json", delete),
    ("upper/*/_reelmill/users/*.json", cut),
]


def restored(store: Store) -> Iterator[Callable[[str], None]]:
    """Puts an object back as it was."""
    before = {stat.key: (store.read(stat.key), store.stat(stat.key).metadata) for stat in store.list()}
    yield lambda key: put(store, key, *before[key])


def test_every_damage_in_a_bucket_is_one_row_with_its_key(line: toy.Line, tmp_path: Path) -> None:
    (restore,) = restored(line.store)
    task = line.task(Step.SURVEY)
    for read_all in False, True:
        whole = integrity(task, os.environ, read_all=read_all)
        assert whole.damage == []
        assert bool(whole.by_checksum) != read_all
    for pattern, change in CASES:
        key = find(line.store, pattern)
        change(line.store, key)
        for read_all in (False,) if "_reelmill" in key else (False, True):
            rows = integrity(task, os.environ, read_all=read_all).damage
            assert [row.key for row in rows] == [key], (pattern, change)
            assert "restore it" in rows[0].remedy
        if key.endswith(("a.txt", "all.json")) or "/items/" in key:
            with pytest.raises(StoreDamaged):
                export(task, os.environ, "upper", tmp_path / f"{change.__name__}-{len(pattern)}", ExportMode.DOWNLOAD)
        restore(key)
    assert integrity(task, os.environ).damage == []


@pytest.mark.parametrize("change", [flip, cut, overwrite, delete])
def test_a_damaged_file_in_a_bucket_is_made_again_with_the_same_bytes(line: toy.Line, change: Change) -> None:
    task = line.task(Step.SURVEY)
    key, view = find(line.store, "upper/*/0001/out/b.txt"), find(line.store, "upper/*/all.json")
    before, stat = line.store.read(key), line.store.stat(key)
    change(line.store, key)
    flip(line.store, view)
    done = repair(task, os.environ, timeouts={"upper": 60}, now=1_800_000_000)
    assert {row.key: (row.repaired, row.why) for row in done.rows} == {
        key: (True, ""),
        view: (False, "only output files of stages and indexes of kept inputs can be rebuilt"),
    }
    assert line.store.read(key) == before
    assert line.store.stat(key).metadata == stat.metadata
    assert [row.key for row in integrity(task, os.environ, read_all=True).damage] == [view]
    aside = [each.key for each in line.store.list("_reelmill/trash/")]
    assert [name.endswith(f"/{key}") for name in aside] == ([] if change is delete else [True])


def test_readers_of_a_bucket_compare_views_and_where_wanted_files(line: toy.Line) -> None:
    key, view = find(line.store, "upper/*/0001/out/a.txt"), find(line.store, "upper/*/all.json")
    assert line.ref
    where = f"{line.ref.uri}/upper"

    def place(*, verify: bool) -> SampleFolder:
        return SampleFolder(where, endpoint=line.ref.connection.endpoint, verify=verify).current("all.json")

    assert place(verify=True).read("0001/out/a.txt") == b"TEXT A\n"
    flip(line.store, key)
    place(verify=False).read("0001/out/a.txt")
    with pytest.raises(StoreDamaged, match="not what was committed"):
        place(verify=True).read("0001/out/a.txt")
    flip(line.store, view)
    with pytest.raises(StoreDamaged, match="not what was committed"):
        place(verify=False).view("all.json")


def test_an_object_of_somebody_else_under_the_name_of_an_output_is_not_reelmills(line: toy.Line) -> None:
    theirs, bare = find(line.store, "upper/*/0001/out/a.txt"), find(line.store, "upper/*/0001/out/b.txt")
    line.store.write(theirs, b"MINE A\n")
    line.store.write(bare, line.store.read(bare))
    found = next(each for each in places(line.store.list(follow_links=False)) if each.root.startswith("upper/"))
    mine = owned(line.store, found)
    assert mine
    assert [f"{found.root}/{name}" for name in mine.left] == [theirs]
    assert bare.removeprefix(f"{found.root}/") in mine.names


def test_an_object_that_the_server_does_not_deliver_costs_no_other(line: toy.Line, s3_server: Server) -> None:
    bad, other = find(line.store, "upper/*/0001/out/a.txt"), find(line.store, "upper/*/0001/out/c.txt")
    delete(line.store, other)
    assert line.ref
    bucket, _, prefix = line.ref.uri.removeprefix("s3://").partition("/")
    with fault_proxy(s3_server.port) as proxy:
        proxy.faults.append(Fault(status(500, "InternalError"), "GET", r"out/a\.txt", times=1000))
        store = S3Store(
            bucket,
            prefix,
            connection=Connection(endpoint=f"http://127.0.0.1:{proxy.port}"),
            env=s3_server.env,
            patience=Patience(attempts=2, first=0.01, longest=0.05, seconds=600),
        )
        data = DataSet(store, line.data("upper").names)
        reading = Reading(store, read_all=True)
        found = {each.key: each.error.what for each in damaged_objects(data, reading, nothing_before(store))}
    assert found.keys() == {bad, other}
    assert found[bad].startswith("this cannot be read, although the store answers: InternalError")


def test_a_server_that_does_not_answer_is_not_damage(line: toy.Line, s3_server: Server) -> None:
    assert line.ref
    bucket, _, prefix = line.ref.uri.removeprefix("s3://").partition("/")
    with fault_proxy(s3_server.port) as proxy:
        store = S3Store(
            bucket,
            prefix,
            connection=Connection(endpoint=f"http://127.0.0.1:{proxy.port}"),
            env=s3_server.env,
            patience=Patience(attempts=2, first=0.01, longest=0.05, seconds=600),
        )
        data = DataSet(store, line.data("upper").names)
        proxy.faults.append(Fault(status(503, "SlowDown"), "HEAD", times=1000))
        with pytest.raises(TransientError):
            list(damaged_objects(data, Reading(store), nothing_before(store)))


def nothing_before(store: Store) -> VerificationProgress:
    return VerificationProgress(ProgressRecord(store=store.uri))
