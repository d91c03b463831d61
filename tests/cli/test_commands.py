"""Commands on a pipeline that ran: two videos, one of them broken, in a folder store."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

import footage
from cli.terminal import PIPELINE, lines, reelmill, write
from reelmill_stages.commands.export_folder import incoming_below

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline file of a run that is complete."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "videos").mkdir()
    good = footage.video(seconds=2.0, size=(64, 48), audio=False)
    for name in ("a", "b"):
        shutil.copyfile(good, folder / "videos" / f"{name}.mp4")
    (folder / "videos" / "broken.mp4").write_bytes(good.read_bytes()[:900])
    path = write(folder)
    with chdir(folder):
        said = reelmill("run", path)
    assert said.code == 0, said.err
    return path


@pytest.fixture(autouse=True)
def _here(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran.parent)


@pytest.fixture
def copy(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to be changed."""
    shutil.copytree(ran.parent, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy" / "pipeline.yaml"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_second_run_has_nothing_to_do(ran: Path) -> None:
    said = reelmill("run", ran)
    assert said.code == 0
    states = {line.split()[0]: line.split()[1] for line in lines(said.out)}
    assert states == {"NAME": "STATE", "raw": "listed", "spans": "cached", "pictures": "cached"}


def test_status_tells_what_each_source_and_stage_has(ran: Path) -> None:
    rows = {row["name"]: row for row in json.loads(reelmill("status", ran, "-o", "json").out)}
    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(("raw", "spans", "pictures"), "current")
    assert (rows["spans"]["in"], rows["spans"]["done"], rows["spans"]["failed"]) == (3, 2, 1)
    assert rows["pictures"]["items"] == 4


def test_status_prints_yaml(ran: Path) -> None:
    assert [row["name"] for row in yaml.safe_load(reelmill("status", ran, "-o", "yaml").out)] == [
        "raw",
        "spans",
        "pictures",
    ]


def test_the_ledger_sums_up_and_then_names(ran: Path) -> None:
    assert ["spans", "failed", "truncated", "1"] in [line.split() for line in lines(reelmill("ledger", ran).out)]
    (row,) = json.loads(reelmill("ledger", ran, "--outcome", "failed", "-o", "json").out)
    assert (row["stage"], row["key"], row["reason"]) == ("spans", "broken.mp4", "truncated")
    assert reelmill("ledger", ran, "--item", "b*", "--stage", "spans", "-o", "json").out.count('"key"') == 2
    assert json.loads(reelmill("ledger", ran, "--class", "nothing", "-o", "json").out) == []


def test_the_ledger_says_when_there_is_more(ran: Path) -> None:
    said = reelmill("ledger", ran, "--item", "*", "--limit", "2")
    assert len(said.out.splitlines()) == 3
    assert "only the first 2 rows" in said.err


def test_the_ledger_is_whole_for_programs_and_short_for_people(empty: Path) -> None:
    (empty / "videos").mkdir()
    good = shutil.copyfile(footage.video(seconds=2.0, size=(64, 48), audio=False), empty / "good")
    for number in range(60):
        (empty / "videos" / f"{number:02d}.mp4").hardlink_to(good)
    path = write(empty, PIPELINE.partition("  - name: pictures")[0])
    reelmill("run", path)
    asked = ("ledger", path, "--stage", "spans", "--item", "*")
    assert len(json.loads(reelmill(*asked, "-o", "json").out)) == 60
    assert len(yaml.safe_load(reelmill(*asked, "-o", "yaml").out)) == 60
    assert len(json.loads(reelmill(*asked, "-o", "json", "--limit", "3").out)) == 3
    said = reelmill(*asked)
    assert (len(said.out.splitlines()), "only the first 50 rows" in said.err) == (51, True)


def test_an_export_counts_the_bytes_of_all_its_files(ran: Path, tmp_path: Path) -> None:
    made = json.loads(reelmill("export", ran, "pictures", tmp_path / "out", "-o", "json").out)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert (made["files"], made["bytes"]) == (len(files), sum(path.stat().st_size for path in files))


def test_an_unknown_stage_names_those_there_are(ran: Path) -> None:
    said = reelmill("ledger", ran, "--stage", "spnas")
    assert (said.code, "choose one of raw, spans, pictures" in said.err) == (2, True)


def test_plan_says_that_all_is_cached(ran: Path) -> None:
    rows = json.loads(reelmill("plan", ran, "-o", "json").out)
    assert [row["would"] for row in rows] == ["list", "cached", "cached"]
    assert {row["items"] for row in rows} == {0}


def test_plan_says_which_edit_makes_a_stage_run_again(ran: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text(ran.read_text().replace("count: 2", "count: 3"))
    rows = {row["name"]: row for row in json.loads(reelmill("plan", edited, "-o", "json").out)}
    assert rows["spans"]["would"] == "cached"
    assert (rows["pictures"]["would"], rows["pictures"]["why"]) == ("run", "count was 2, is 3")


def test_plan_says_defaults_by_their_value_and_counts_what_else_changed(ran: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text(ran.read_text().replace("count: 2, layout: jpg, width: 32,", "layout: jpg, width: 64,"))
    rows = {row["name"]: row for row in json.loads(reelmill("plan", edited, "-o", "json").out)}
    assert rows["pictures"]["why"] == "count was 2, is 16 (+1)"


def test_plan_says_what_is_new_in_a_source(copy: Path) -> None:
    shutil.copyfile(copy.parent / "videos" / "a.mp4", copy.parent / "videos" / "c.mp4")
    rows = {row["name"]: row for row in json.loads(reelmill("plan", copy, "-o", "json").out)}
    assert rows["raw"]["why"].startswith("4 listed, 1 new")
    assert rows["spans"]["why"] == "1 new of raw"


def test_plan_offline_asks_no_store(empty: Path) -> None:
    rows = json.loads(reelmill("plan", write(empty), "--offline", "-o", "json").out)
    assert [row["reads"] for row in rows] == [[], ["raw"], ["spans"]]
    assert not (empty / "store").exists()


def test_plan_and_status_write_nothing(empty: Path) -> None:
    (empty / "videos").mkdir()
    path = write(empty)
    assert reelmill("plan", path).code == 0
    assert reelmill("status", path).code == 0
    assert not (empty / "store").exists()


def test_a_source_folder_that_does_not_exist_is_reported_before_any_work(empty: Path) -> None:
    for command in ("plan", "run"):
        said = reelmill(command, write(empty))
        assert (said.code, "no such folder" in said.err) == (2, True)


def test_an_export_is_one_plain_folder(ran: Path, tmp_path: Path) -> None:
    said = reelmill("export", ran, "pictures", tmp_path / "out", "--mode", "copy", "-o", "json")
    made = json.loads(said.out)
    pictures = sorted(path for path in (tmp_path / "out").rglob("*.jpg"))
    assert (said.code, made["mode"], len(pictures)) == (0, "copy", 8)
    assert not any(path.is_symlink() or "_reelmill" in path.parts for path in (tmp_path / "out").rglob("*"))
    again = reelmill("export", ran, "pictures", tmp_path / "out", "--mode", "copy")
    assert again.code == 0


def test_an_export_into_a_folder_with_other_things_is_refused(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    said = reelmill("export", ran, "pictures", tmp_path)
    assert (said.code, "the folder is not empty" in said.err) == (2, True)


def files_in(folder: Path) -> dict[str, bytes]:
    """The pictures of a folder, by their path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


@pytest.mark.store
def test_a_killed_export_is_completed_and_what_it_left_is_removed_when_it_is_old(ran: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (store,) = (ran.parent / "store/pictures").glob("*/0001")
    stored = files_in(store)
    command = [sys.executable, "-m", "reelmill.cli", "export", str(ran), "pictures", str(out), "--mode", "copy"]
    for count in range(1, 4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(files_in(out / "0001")) < count:
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert files_in(out / "0001").items() <= stored.items(), "no file is incomplete"
    old, new, own = (out / name for name in (".incoming-abcdefgh", ".incoming-abcdefgi", ".incoming-of-mine"))
    for folder in (old, new, own):
        folder.mkdir()
        (folder / "half.jpg").write_bytes(b"half")
    for folder in (old, own):
        os.utime(folder, (0, 0))
    assert reelmill("export", ran, "pictures", out, "--mode", "copy").code == 0
    assert files_in(out / "0001") == stored
    assert (old.exists(), new.exists(), own.exists()) == (False, True, True)


def test_exports_are_written_to_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with incoming_below(tmp_path) as folder:
        (folder / "a.jpg").write_bytes(b"a")
    assert [*tmp_path.iterdir()] == []


def test_links_lead_to_the_store(ran: Path, tmp_path: Path) -> None:
    reelmill("export", ran, "pictures", tmp_path / "out")
    assert all(path.resolve().is_relative_to(ran.parent / "store") for path in (tmp_path / "out").rglob("*.jpg"))


def test_replay_makes_the_same_again_beside_what_is_there(ran: Path, tmp_path: Path) -> None:
    key = json.loads(reelmill("ledger", ran, "-s", "pictures", "--item", "*", "-o", "json").out)[0]["key"]
    said = reelmill("replay", ran, "pictures", key, "--to", tmp_path / "again", "-o", "json")
    done = json.loads(said.out)
    assert (said.code, done["outcome"]) == (0, "done")
    assert {file["compared"] for file in done["files"]} == {"same"}
    assert len(list((tmp_path / "again").rglob("*.jpg"))) == 2


def test_replay_of_a_failed_item_says_why_and_ends_with_65(ran: Path, tmp_path: Path) -> None:
    said = reelmill("replay", ran, "spans", "broken.mp4", "--to", tmp_path / "again")
    assert (said.code, said.out.splitlines()[0].split(": ")[1]) == (65, "failed (truncated)")


def test_replay_of_an_unknown_item_is_a_mistake(ran: Path, tmp_path: Path) -> None:
    assert reelmill("replay", ran, "spans", "nothing.mp4", "--to", tmp_path / "again").code == 2


def test_retry_where_nothing_failed_says_so_and_makes_no_pass(ran: Path) -> None:
    before = reelmill("status", ran, "-o", "json").out
    said = reelmill("retry", ran, "--class", "decode_timeout")
    assert (said.code, said.out) == (0, "")
    assert said.err == "nothing to retry: no item failed with decode_timeout; there are failures of class truncated\n"
    said = reelmill("retry", ran, "--stage", "pictures", "-o", "json")
    assert (said.code, said.err) == (0, "nothing to retry: no item of pictures failed\n")
    assert json.loads(said.out)["stages"] == []
    assert reelmill("status", ran, "-o", "json").out == before


@pytest.mark.parametrize("command", ["retry", "abandon", "check --deep", "check --forgotten", "repair", "ledger"])
def test_commands_that_need_a_run_refuse_a_store_without_one_and_leave_no_store(empty: Path, command: str) -> None:
    name, *options = command.split()
    said = reelmill(name, write(empty), *options)
    assert (said.code, said.out) == (2, "")
    assert "the store has no data set of" in said.err
    assert "hint: run the pipeline first" in said.err
    assert not (empty / "store").exists()


def test_other_commands_say_of_a_store_without_a_run_what_it_is(empty: Path) -> None:
    said = reelmill("prune", write(empty), "--delete")
    assert (said.code, said.err) == (0, "nothing to prune: there are no data sets in store\n")
    said = reelmill("report", write(empty), "-o", empty / "report.html")
    assert (said.code, "No run has listed the sources" in said.err) == (0, True)
    assert reelmill("why", write(empty)).out == "Nothing is committed yet.\n"
    assert not (empty / "store").exists()


def test_abandon_without_an_open_pass_says_so_and_runs_nothing(ran: Path) -> None:
    before = reelmill("status", ran, "-o", "json").out
    said = reelmill("abandon", ran)
    assert (said.code, said.out, said.err) == (0, "", "nothing to abandon: no pass of spans, pictures is open\n")
    assert reelmill("status", ran, "-o", "json").out == before


def test_a_retry_makes_a_pass_only_where_something_failed(copy: Path) -> None:
    assert reelmill("retry", copy, "-q").code == 0
    rows = {row["name"]: row for row in json.loads(reelmill("status", copy, "-o", "json").out)}
    assert (rows["spans"]["segments"], rows["spans"]["failed"], rows["pictures"]["segments"]) == (2, 1, 2)


def test_prune_takes_what_a_former_definition_left_and_nothing_else(copy: Path) -> None:
    assert "nothing to prune" in reelmill("prune", copy).err
    former = json.loads(reelmill("status", copy, "-o", "json").out)[2]["key"][:10]
    copy.write_text(copy.read_text().replace("count: 2", "count: 3"))
    (row,) = json.loads(reelmill("prune", copy, "-o", "json").out)
    assert (row["name"], row["key"], row["deleted"]) == ("pictures", former, False)
    assert (copy.parent / "store" / "pictures" / former).exists()
    reelmill("prune", copy, "--delete")
    assert not (copy.parent / "store" / "pictures" / former).exists()
    assert json.loads(reelmill("status", copy, "-o", "json").out)[1]["state"] == "current"


def test_prune_spares_what_another_pipeline_claims(copy: Path) -> None:
    copy.write_text(copy.read_text().replace("name: small", "name: other").replace("count: 2", "count: 3"))
    assert "nothing to prune" in reelmill("prune", copy).err


def test_failures_above_the_tolerance_end_with_65(empty: Path) -> None:
    (empty / "videos").mkdir()
    (empty / "videos" / "broken.mp4").write_bytes(b"no video")
    said = reelmill("run", write(empty, PIPELINE.replace("tolerate: 40%", "tolerate: 0")))
    assert said.code == 65, said.err
    assert "tolerat" in said.err


def test_the_result_of_a_run_is_data(ran: Path) -> None:
    status = json.loads(reelmill("run", ran, "-q", "-o", "json").out)
    assert {condition["type"]: condition["status"] for condition in status["conditions"]}["Complete"] == "True"
    assert reelmill("run", ran, "-q").err.startswith("1 failed")


def test_plan_tells_what_changed_and_what_is_gone(copy: Path) -> None:
    (copy.parent / "videos" / "b.mp4").unlink()
    rows = {row["name"]: row for row in json.loads(reelmill("plan", copy, "-o", "json").out)}
    # The folder was copied, so that the others are other objects than were listed.
    assert rows["raw"]["why"] == "2 listed, 0 new, 2 changed, 1 gone"
