"""`reelmill rebuild` over stages of one's own that read files: judged by the bytes of the store, which is gone."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import footage
import host
from cli.terminal import Said, reelmill, write
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store

MODULE = """
import os
from pathlib import Path
from reelmill.contract.spec.file import FileRef
from reelmill_stages.stage import Done, File, NewItem, Stage, StageBlock

__reelmill__ = ["Weighed"]

class WeighedBlock(StageBlock):
    weights: FileRef
    log: str
    processes: str

class Weighed(Stage):
    block_type = WeighedBlock

    def process(self, group, work):
        given = [Path(self.block.processes, str(pid), "environ") for pid in (os.getpid(), os.getppid())]
        with open(self.block.log, "a") as log:
            log.write(repr(dict(os.environ)) + "".join(path.read_text() for path in given if path.exists()) + "\\n")
        return [self.one(one.item, one.number, work) for one in group]

    def one(self, item, number, work):
        made = work.scratch / f"{number}.bin"
        weights, video = work.read(self.block.weights.uri), work.fetch(item.media)
        made.write_bytes(weights.read_bytes() + video.read_bytes()[:1000])
        file = File(f"made/{number:04d}.bin", made)
        return Done((NewItem(item.key, item.group, item.weight, media=item.media, files=(file,)),))
"""
PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: rebuild}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, files: {uri: FOLDER/videos/}}]
  stages:
  - name: clips
    clip: {by: length, length: 1s, preset: ultrafast}
  - name: first
    env: [{name: NAMED_API_KEY, secretRef: {name: any}, key: any}]
    run: {entrypoint: "weighed:Weighed", params: {weights: {uri: FOLDER/a.pt}, log: FOLDER/log, processes: PROC}}
  - name: second
    run:
      entrypoint: "weighed:Weighed"
      params: {weights: {uri: FOLDER/b.pt, digest: "DIGEST"}, log: FOLDER/log, processes: PROC}
"""
NEEDED = {"AWS_SECRET_ACCESS_KEY": "canary-of-a-store", "NAMED_API_KEY": "canary-by-name"}
LEFT_OUT = {"GITHUB_TOKEN": "canary-of-another-tool", "OPENLINEAGE_API_KEY": "canary-of-openlineage"}


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cards of a pipeline that ran, beside its sources, weights and code; the store itself is gone."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "videos").mkdir()
    (folder / "modules").mkdir()
    shutil.copyfile(footage.video(seconds=2.0, size=(64, 48), audio=False), folder / "videos/a.mp4")
    for name in "ab":
        (folder / f"{name}.pt").write_bytes(b"weights " + name.encode())
    (folder / "modules/weighed.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder / "modules"))
        told = PIPELINE.replace("FOLDER", str(folder)).replace("PROC", str(host.PROC))
        write(folder, told.replace("DIGEST", digest(b"weights b")))
        ran = reelmill("run", folder / "pipeline.yaml", "-q")
        assert ran.code == 0, ran.err
        for stage in ("first", "second"):
            assert reelmill("card", folder / "pipeline.yaml", stage, folder / "cards" / stage).code == 0
    shutil.rmtree(folder / "data")
    return folder


@pytest.fixture
def place(cards: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with an empty log, and code that is found."""
    monkeypatch.setenv("PYTHONPATH", str(cards / "modules"))
    (cards / "log").write_text("")
    return cards


def sample(place: Path, stage: str) -> tuple[str, dict[str, str]]:
    """An item, and digest by file, as the card's own table of items has them."""
    rows = parquet.read_table(place / "cards" / stage / "items.parquet").to_pylist()
    row = max((json.loads(row["row"]) for row in rows), key=lambda row: row["key"])
    return row["key"], {out["key"].split("/", 3)[3]: out["digest"] for out in row["outputs"]}


def rebuild(place: Path, stage: str, to: Path, *more: object) -> Said:
    words = more or ("--pipeline", place / "pipeline.yaml")
    return reelmill("rebuild", place / "cards" / stage, "--sample", sample(place, stage)[0], "--to", to, *words)


@pytest.mark.parametrize("stage", ["first", "second"])
def test_a_sample_of_code_and_weights_of_ones_own_is_made_again_byte_for_byte(
    place: Path, stage: str, tmp_path: Path
) -> None:
    said = rebuild(place, stage, tmp_path / "made")
    assert said.code == 0, said.err
    made = {path for path in (tmp_path / "made").rglob("*") if path.is_file()}
    found = {path.relative_to(tmp_path / "made").as_posix(): digest(path.read_bytes()) for path in made}
    assert found == sample(place, stage)[1]
    assert [path.read_bytes()[:9] for path in made] == [f"weights {'a' if stage == 'first' else 'b'}".encode()]


@pytest.mark.parametrize("name", ["a.pt", "b.pt"])
@pytest.mark.parametrize("instead", [b"weights c", b"more than before", None])
def test_weights_that_are_gone_or_others_are_refused_before_any_stage_runs(
    place: Path, name: str, instead: bytes | None, tmp_path: Path
) -> None:
    before = (place / name).read_bytes()
    (place / name).unlink()
    if instead is not None:
        (place / name).write_bytes(instead)
    try:
        said = rebuild(place, "second", tmp_path / "made")
    finally:
        (place / name).write_bytes(before)
    assert said.code == 2
    changed = {"a.pt": "the file has changed since this stage started", "b.pt": "the file differs from its digest"}
    assert ("no such file" if instead is None else changed[name]) in said.err
    assert name in said.err
    assert (place / "log").read_text() == ""
    assert not (tmp_path / "made").exists()


def test_code_that_is_not_here_is_refused_before_any_stage_runs(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH")
    said = rebuild(place, "second", tmp_path / "made")
    assert said.code == 2
    assert "the module 'weighed' was not found" in said.err
    assert (place / "log").read_text() == ""


def test_code_that_ends_its_process_when_it_is_imported_is_told(place: Path, tmp_path: Path) -> None:
    before = (place / "modules/weighed.py").read_text()
    (place / "modules/weighed.py").write_text(f"{before}\nos._exit(3)\n")
    try:
        said = rebuild(place, "second", tmp_path / "made")
    finally:
        (place / "modules/weighed.py").write_text(before)
    assert said.code == 2
    assert "ended with code 3" in said.err
    assert not (tmp_path / "made").exists()


def test_code_that_makes_something_else_now_is_told(place: Path, tmp_path: Path) -> None:
    before = (place / "modules/weighed.py").read_text()
    (place / "modules/weighed.py").write_text(before.replace("[:1000]", "[:999]"))
    try:
        said = rebuild(place, "second", tmp_path / "made")
    finally:
        (place / "modules/weighed.py").write_text(before)
    assert said.code == 65
    assert "differs" in said.err


def test_parameters_that_a_card_leaves_out_are_those_of_the_same_pipeline_alone(place: Path, tmp_path: Path) -> None:
    table = place / "cards/second/lineage.parquet"
    said = rebuild(place, "second", tmp_path / "made", "-o", "json")
    assert said.code == 2
    assert f"{table}: the table omits parameters of first" in said.err
    assert "--pipeline FILE" in said.err
    other = tmp_path / "pipeline.yaml"
    other.write_text((place / "pipeline.yaml").read_text().replace("a.pt", "b.pt"))
    said = rebuild(place, "second", tmp_path / "made", "--pipeline", other)
    assert said.code == 2
    assert "defines first in another way" in said.err
    assert (place / "log").read_text() == ""
    assert not (tmp_path / "made").exists()


def test_stages_see_no_credentials_but_those_of_stores_and_named_ones(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (NEEDED | LEFT_OUT).items():
        monkeypatch.setenv(name, value)
    said = rebuild(place, "first", tmp_path / "made")
    assert said.code == 0, said.err
    seen = (place / "log").read_text()
    assert [value for value in NEEDED.values() if value not in seen] == []
    assert [value for value in LEFT_OUT.values() if value in seen] == []


def test_weights_in_a_bucket_are_read_by_the_connection_of_the_store(
    place: Path, tmp_path: Path, minio_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in minio_server.env.items():
        monkeypatch.setenv(name, value)
    bucket = make_bucket(minio_server)
    root = open_store(
        StoreRef(uri=f"s3://{bucket}", connection=Connection(endpoint=minio_server.endpoint)), env=minio_server.env
    )
    root.write("a.pt", b"weights a")
    told = (place / "pipeline.yaml").read_text().partition("  - name: second")[0]
    told = told.replace(f"{place}/a.pt", f"s3://{bucket}/a.pt")
    told = told.replace(f"uri: {place}/data", f'uri: "s3://{bucket}/data", endpoint: "{minio_server.endpoint}"')
    path = write(tmp_path, told)
    ran = reelmill("run", path, "-q")
    assert ran.code == 0, ran.err
    assert reelmill("card", path, "first", tmp_path / "cards/first").code == 0
    for stat in list(root.list("data/")):
        root.delete(stat.key)
    said = rebuild(tmp_path, "first", tmp_path / "made")
    assert said.code == 0, said.err
    assert "identical byte for byte" in said.err
