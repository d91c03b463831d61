"""Commands of a user on places where reelmill's data and somebody's own lie together: only reelmill's ever goes."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop, film

from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store

LOOKED = {"name": "clips", "clip": {"by": "length", "length": "1s", "mode": "virtual"}}
HOURS = ("2026010112", "2026010113")


def contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def footage(folder: Path) -> Path:
    """Recordings in folders that are named by the hour."""
    for hour in HOURS:
        (folder / "recordings" / hour).mkdir(parents=True)
        shutil.copyfile(film(), folder / "recordings" / hour / "cam1.mp4")
    return folder / "recordings"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A run of two videos."""
    made = Workshop(tmp_path, stages=[LOOKED])
    made.film("a.mp4", "b.mp4")
    made.files()
    made.run()
    return made


def test_footage_below_the_store_in_folders_named_by_the_hour_stays(tmp_path: Path) -> None:
    recordings = footage(tmp_path)
    shop = Workshop(tmp_path, [{"name": "raw", "files": {"uri": str(recordings)}}], [LOOKED], store_at=str(tmp_path))
    shop.run()
    before = contents(recordings)
    assert shop.ask("prune", "--delete") == []
    assert contents(recordings) == before


def test_footage_in_the_stores_bucket_in_folders_named_by_the_hour_stays(
    s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    bucket = make_bucket(s3_server)
    shop = Workshop(
        tmp_path,
        [{"name": "raw", "files": {"uri": f"s3://{bucket}/recordings"}}],
        [LOOKED],
        store_at=f"s3://{bucket}",
        endpoint=s3_server.endpoint,
    )
    mine = [f"recordings/{hour}/cam1.mp4" for hour in HOURS] + ["clips/2026010112/_reelmill/notes.txt", "clips/my.txt"]
    for key in mine:
        shop.store.write(key, film())
    shop.run()
    former = shop.data("clips").root
    view = f"{former}/mine.json"
    shop.store.write(view, b"mine")
    shop.stages = [LOOKED | {"clip": {"by": "length", "length": "2s", "mode": "virtual"}}]
    shop.run()
    (row,) = shop.ask("prune", "--delete")
    assert (f"clips/{row['key']}", row["deleted"], row["left"]) == (former, True, [view])
    assert [stat.key for stat in shop.store.list(f"{former}/")] == [view]
    for key in mine:
        assert shop.store.read(key) == film().read_bytes()


def test_a_bucket_keeps_what_goes_to_the_trash(s3_server: Server, tmp_path: Path, monkeypatch: Any) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    store_at = f"s3://{make_bucket(s3_server)}/data"
    shop = Workshop(tmp_path, stages=[LOOKED], store_at=store_at, endpoint=s3_server.endpoint)
    shop.film("a.mp4")
    shop.files()
    shop.run()
    former = {stat.key: shop.store.read(stat.key) for stat in shop.store.list(f"{shop.data('clips').root}/")}
    shop.stages = [LOOKED | {"clip": {"by": "length", "length": "2s", "mode": "virtual"}}]
    shop.run()
    assert [row["deleted"] for row in shop.ask("prune", "--trash")] == [True]
    kept = {stat.key.split("/", 3)[3]: stat.key for stat in shop.store.list("_reelmill/trash/")}
    assert kept.keys() == former.keys()
    assert shop.ask("prune", "--trash") == []
    for key, place in kept.items():
        shop.store.move(place, key)
    assert [row["deleted"] for row in shop.ask("prune")] == [False]


def test_what_a_link_in_the_store_points_at_stays(shop: Workshop, tmp_path: Path) -> None:
    precious = footage(tmp_path / "precious")
    before = contents(precious)
    (tmp_path / "store" / "old").mkdir()
    (tmp_path / "store" / "old" / "0123456789").symlink_to(precious)
    root = shop.root("clips")
    (root / "0002").symlink_to(precious)
    shop.stages = [LOOKED | {"name": "cuts"}]
    (row,) = shop.ask("prune", "--delete")
    assert (row["name"], row["left"]) == ("clips", [f"clips/{root.name}/0002"])
    assert contents(precious) == before
    assert (root / "0002").is_symlink()


def test_two_pipelines_of_one_name_share_a_store_and_no_claim(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    store = str(tmp_path / "store")
    shops = [
        Workshop(tmp_path / folder, stages=[LOOKED | {"name": stage}], name="demo", store_at=store)
        for folder, stage in (("a", "clips"), ("b", "cuts"))
    ]
    for shop, source in zip(shops, ("raw", "footage"), strict=True):
        shop.film("v.mp4")
        shop.sources = [{"name": source, "files": {"uri": str(shop.videos)}}]
        shop.run()
    said = shops[0].tell("prune", "--delete")
    assert said.code == 0
    assert "nothing to prune" in said.err
    assert "default/demo" in said.err
    assert {row["state"] for row in shops[1].ask("status")} == {"current"}


def test_a_store_that_was_made_elsewhere_leads_no_export_out_of_its_folder(shop: Workshop, tmp_path: Path) -> None:
    victim = tmp_path / "out" / "victim.txt"
    victim.parent.mkdir()
    victim.write_text("precious")
    shop.stages = [{"name": "pictures", "from": ["raw"], "frames": {"layout": "npy", "width": 16, "height": 16}}]
    shop.run()
    record = shop.root("pictures") / "_reelmill" / "stage.json"
    (rows,) = (shop.root("pictures") / "0001" / "_reelmill" / "items").iterdir()
    whole = {path: path.read_bytes() for path in (record, rows)}
    said = json.loads(whole[record])
    first, *rest = (json.loads(line) for line in whole[rows].splitlines())
    out = first["outputs"][0]
    wrong = [
        {record: json.dumps(said | {"views": [name]})} for name in ("../../victim.txt", str(victim), "_reelmill/x", "")
    ]
    for key in (f"{said['stage']}/../../victim.txt", str(victim), "raw/0123456789//x", "raw/x"):
        items = [first | {"outputs": [out | {"key": key}]}, *rest]
        media = [first | {"media": {"uri": key, "size": 5}}, *rest]
        wrong += [{rows: "".join(json.dumps(row) + "\n" for row in table)} for table in (items, media)]
    for number, files in enumerate(wrong):
        for path, text in (whole | files).items():
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        (path,) = files
        told = shop.tell("export", "pictures", tmp_path / "out" / str(number))
        assert told.code == 2, files
        assert str(path) in told.err
        assert "Traceback" not in told.err
        assert contents(tmp_path / "out") == {"victim.txt": b"precious"}


def test_an_export_replaces_its_own_files_and_no_others(shop: Workshop, tmp_path: Path) -> None:
    shop.stages = [{"name": "pictures", "from": ["raw"], "frames": {"layout": "npy", "width": 16, "height": 16}}]
    shop.run()
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    assert shop.tell("export", "pictures", out, "--mode", "copy").code == 0
    elsewhere.mkdir()
    (out / "mine.txt").write_text("mine")
    shop.film("c.mp4")
    shop.run()
    assert shop.tell("export", "pictures", out, "--mode", "copy").code == 0
    assert len(json.loads((out / "dataset_info.json").read_text())["train"]) > 0
    shop.film("d.mp4")
    shop.run()
    (out / "0003").symlink_to(elsewhere)
    told = shop.tell("export", "pictures", out, "--mode", "copy")
    assert told.code == 2
    assert "link is in the way" in told.err
    (out / "0003").unlink()
    new = min(path for path in (shop.root("pictures") / "0003").glob("sample_*/*") if path.is_file())
    place = out / new.relative_to(shop.root("pictures"))
    fresh = tmp_path / "fresh"
    mine = fresh / place.relative_to(out)
    assert shop.tell("export", "pictures", fresh, "--mode", "copy").code == 0
    mark = fresh / ".reelmill-export.json"
    said = json.loads(mark.read_text())
    mark.write_text(json.dumps({"name": said["name"], "key": said["key"]}))
    assert shop.tell("export", "pictures", fresh, "--mode", "copy").code == 0
    mark.write_text(json.dumps({"name": said["name"], "key": said["key"]}))
    mine.write_text("mine")
    told = shop.tell("export", "pictures", fresh, "--mode", "copy")
    assert told.code == 2
    assert "did not write" in told.err
    assert mine.read_text() == "mine"


def test_a_file_that_moves_keeps_its_data_by_a_token(tmp_path: Path) -> None:
    texts = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shop = Workshop(tmp_path / folder, stages=[LOOKED], name="demo", store_at=str(tmp_path / "store"))
        shop.sources = [{"name": "raw", "files": {"uri": str(tmp_path / "videos")}}]
        text = shop.file.read_text().replace("name: demo", "name: demo\n  annotations: {reelmill.dev/identity: t1}", 1)
        texts.append((shop.folder / "kept.yaml", text))
    (tmp_path / "videos").mkdir()
    shutil.copyfile(film(), tmp_path / "videos" / "v.mp4")
    for path, text in texts:
        path.write_text(text)
        done = subprocess.run([sys.executable, "-m", "reelmill.cli", "run", "-q", str(path)], check=False)
        assert done.returncode == 0
    assert len(list((tmp_path / "store" / "_reelmill" / "pipelines").iterdir())) == 1
    assert len(list((tmp_path / "store" / "clips").glob("*/_reelmill/users/*.json"))) == 1


def test_commands_that_look_make_no_identity(shop: Workshop, tmp_path: Path) -> None:
    before = contents(tmp_path / "store")
    shop.stages = [LOOKED | {"name": "other"}]
    other = Workshop(tmp_path, shop.sources, shop.stages, name="other")
    for command in ("status", "plan", "ledger", "prune"):
        assert other.tell(command).code == 0
    assert contents(tmp_path / "store") == before


@pytest.mark.parametrize(("answer", "deleted"), [("n", False), ("y", True)])
def test_on_a_terminal_deleting_asks_and_says_where(shop: Workshop, answer: str, deleted: bool) -> None:
    root = shop.root("clips")
    shop.stages = [LOOKED | {"name": "cuts"}]
    code, said = on_terminal([sys.executable, "-m", "reelmill.cli", "prune", str(shop.file), "--delete"], answer)
    assert code == 0
    assert str(shop.folder / "store") in said.replace("\r\n", "")
    assert f"clips/{root.name}" in said
    assert root.exists() != deleted


def on_terminal(command: list[str], answer: str) -> tuple[int, str]:
    """Run a command on a terminal and answer its question; its exit code and what was on the screen."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"})
    said, answered, end = b"", False, time.monotonic() + 120
    while time.monotonic() < end:
        if select.select([fd], [], [], 1.0)[0]:
            try:
                said += os.read(fd, 4096)
            except OSError:  # its end
                break
        if not answered and b"[y/N]" in said:
            os.write(fd, f"{answer}\n".encode())
            answered = True
    assert answered, said
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
