"""`reelmill freeze` on real runs: a name stands for one state, whatever happens to the pipeline and its data sets."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import footage
from cli.terminal import Said, reelmill, write
from reelmill.contract.errors import NotFound, SpecError, StoreDamaged
from reelmill_stages import open_data_set, open_store
from reelmill_stages.datasets.tar_set import TarSet

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: data}
  sources: [{name: raw, table: {uri: clips.csv, base: videos, columns: {path: path, text: text}}}]
  stages:
  - {name: clips, clip: {by: length, length: 1s, preset: ultrafast}}
  - {name: packs, pack: {samplesPerTar: 2}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline that ran once, over one video; the working folder."""
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lasting")
        patch.chdir(folder)
        return made(folder)


def made(folder: Path) -> Path:
    (folder / "videos").mkdir()
    video = footage.video(seconds=2.0, size=(64, 48), audio=False, codec="libx264", options=("-preset", "ultrafast"))
    for name in "abc":
        shutil.copyfile(video, folder / f"videos/{name}.mp4")
    write(folder, PIPELINE)
    grow(folder, "a")
    return folder


def grow(folder: Path, names: str) -> None:
    """The source has these videos now."""
    (folder / "clips.csv").write_text("path,text\n" + "".join(f"{name}.mp4,film {name}\n" for name in names))
    assert reelmill("run", "pipeline.yaml").code == 0


def freeze(*arguments: str) -> Said:
    return reelmill("freeze", "pipeline.yaml", *arguments)


def frozen(*arguments: str) -> Any:
    said = freeze(*arguments, "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def objects(folder: Path) -> dict[Path, bytes]:
    found = (path for path in (folder / "data").rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if ".reelmill-store" not in path.parts}


def keys(where: str) -> list[str]:
    tars = TarSet(where, verify=True)
    return [tars[index].key for index in range(len(tars))]


def test_a_frozen_state_has_the_samples_of_its_moment(folder: Path) -> None:
    was = keys("data/packs")
    assert [row["done"] for row in frozen("v1")] == [1, 2]
    grow(folder, "abc")
    assert len(keys("data/packs")) == 6
    assert keys("data/packs@v1") == was
    assert [item.key for item in open_data_set(open_store("data"), "clips@v1").items()] == [
        "a.mp4@0.000-1.000",
        "a.mp4@1.000-2.000",
    ]
    added = json.loads(reelmill("diff", "pipeline.yaml", "-s", "clips", "--from", "@v1", "-r", "-o", "json").out)
    assert {row["key"][:5] for row in added} == {"b.mp4", "c.mp4"}


def test_what_a_frozen_state_needs_is_never_pruned(folder: Path) -> None:
    frozen("v1")
    was = keys("data/packs")
    write(folder, PIPELINE.replace("length: 1s", "length: 2s"))
    assert reelmill("run", "pipeline.yaml").code == 0
    said = reelmill("prune", "pipeline.yaml", "--delete")
    assert said.code == 0
    assert "frozen as v1" in said.err
    assert keys("data/packs@v1") == was
    refused = reelmill("prune", "pipeline.yaml", "--delete", "--release", "frozen-v1")
    assert (refused.code, "reelmill freeze PIPELINE v1 --delete" in refused.err) == (2, True)
    assert freeze("v1", "--delete").code == 0
    assert json.loads(reelmill("prune", "pipeline.yaml", "--delete", "-o", "json").out)
    with pytest.raises(NotFound):
        TarSet("data/packs@v1")


def test_a_name_stands_for_one_state(folder: Path) -> None:
    first = frozen("v1")
    assert frozen("v1") == first
    grow(folder, "ab")
    said = freeze("v1")
    assert (said.code, "stands for another state" in said.err) == (2, True)
    assert [(row["name"], row["segment"]) for row in frozen("v2", "-s", "packs")] == [("v2", 2)]
    assert [(row["name"], row["data_set"]) for row in frozen()] == [("v1", "clips"), ("v1", "packs"), ("v2", "packs")]


def test_deleting_a_name_leaves_nothing_of_it_and_no_data_is_lost(folder: Path) -> None:
    before = objects(folder)
    frozen("v1")
    assert objects(folder) != before
    assert freeze("v1", "--delete").code == 0
    assert objects(folder) == before


def test_a_freeze_that_was_cut_off_protects_and_can_be_repeated_or_deleted(folder: Path) -> None:
    first = frozen("v1")
    record = folder / "data/_reelmill/frozen/v1.json"
    record.unlink()
    assert [{**row, "created": ""} for row in frozen("v1")] == [{**row, "created": ""} for row in first]
    record.unlink()
    assert freeze("v1", "--delete").code == 0
    assert not list((folder / "data").rglob("*frozen*/**/*"))
    assert not list((folder / "data").rglob("frozen-v1.json"))


def test_claims_of_a_freeze_that_was_cut_off_go_with_the_name_that_was_given_later(folder: Path) -> None:
    frozen("v1")
    (folder / "data/_reelmill/frozen/v1.json").unlink()
    write(folder, PIPELINE.replace("length: 1s", "length: 2s"))
    assert reelmill("run", "pipeline.yaml").code == 0
    frozen("v1")
    assert freeze("v1", "--delete").code == 0
    assert not list((folder / "data").rglob("frozen-v1.json"))


def test_a_view_of_a_frozen_state_that_was_changed_is_refused(folder: Path) -> None:
    frozen("v1")
    (view,) = (folder / "data/_reelmill/frozen/v1/packs").rglob(".info.json")
    view.write_bytes(view.read_bytes().replace(b"2", b"1", 1))
    with pytest.raises(StoreDamaged, match="not what was committed"):
        TarSet("data/packs@v1")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("1st",), "cannot be the name of a frozen state"),
        (("v1.json",), "cannot be the name of a frozen state"),
        (("../v1",), "cannot be the name of a frozen state"),
        (("v1", "-s", "nothing"), "no source or stage named 'nothing'"),
        (("v1", "-s", "raw"), "no stage named 'raw'"),
        (("none", "--delete"), "there is no frozen state 'none'"),
        (("--delete",), "the name of the state is missing"),
    ],
)
def test_a_mistake_is_refused_with_what_to_do(
    lasting: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], what: str
) -> None:
    monkeypatch.chdir(lasting)
    said = freeze(*arguments)
    assert said.code == 2
    assert what in said.err
    assert "Traceback" not in said.err


def test_a_state_that_is_not_there_is_refused_by_readers(folder: Path) -> None:
    with pytest.raises(SpecError, match="there is no frozen state 'v9'"):
        open_data_set(open_store("data"), "clips@v9")
    frozen("v1", "-s", "clips")
    with pytest.raises(SpecError, match="has no data set 'packs'"):
        TarSet("data/packs@v1")


def check(*arguments: str) -> dict[str, str]:
    """Damaged object -> remedy."""
    said = reelmill("check", "pipeline.yaml", "--deep", *arguments, "-o", "json")
    found = {row["key"]: row["remedy"] for row in json.loads(said.out)["damage"]}
    assert said.code == (65 if found else 0), said.err
    return found


def set_times(folder: Path, moment: float) -> None:
    """Set the time of what `freeze` wrote, in seconds since the epoch."""
    for path in [*folder.rglob("users/frozen-*.json"), *folder.glob("data/_reelmill/frozen/*/**/*")]:
        os.utime(path, (moment, moment))


def test_a_state_that_is_being_frozen_is_no_damage(folder: Path) -> None:
    assert freeze("v1").code == 0
    (folder / "data/_reelmill/frozen/v1.json").unlink()  # it is written last
    assert check() == {}
    set_times(folder, 4e9)  # this machine's clock is behind that of the store
    assert check() == {}
    set_times(folder, 1e9)
    assert check().keys() == {"_reelmill/frozen/v1.json"}


def test_the_deep_check_finds_damage_in_frozen_states(folder: Path) -> None:
    assert freeze("v1").code == 0
    set_times(folder, 1e9)
    assert check() == {}
    frozen = folder / "data/_reelmill/frozen"
    view = next(path for path in sorted((frozen / "v1").rglob("*")) if path.is_file())
    files = {path.relative_to(folder / "data").as_posix(): path for path in (view, frozen / "v1.json")}
    for key, path in files.items():
        whole, stat = path.read_bytes(), path.stat()
        for damaged in (b"", whole[:-1], whole + b" ", whole.replace(b"e", b"f", 1), b"[]", None):
            if damaged is None:
                path.rename(folder / "aside")
            else:
                path.write_bytes(damaged)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            found = check()
            assert found.keys() == {key}, damaged
            assert (
                "restore it from a backup, or delete the name with `reelmill freeze PIPELINE v1 --delete`" in found[key]
            )
            assert check("--stage", "clips") == {}
            if damaged is None:
                (folder / "aside").rename(path)
            else:
                path.write_bytes(whole)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert check() == {}


def test_the_deep_check_reads_the_data_sets_of_frozen_states_that_the_pipeline_makes_no_more(folder: Path) -> None:
    assert freeze("v1").code == 0
    (clip,) = (folder / "data/clips").glob("*/0001/clips/a_0_1.mp4")
    (folder / "pipeline.yaml").write_text(PIPELINE.replace("length: 1s", "length: 2s"))
    assert reelmill("run", "pipeline.yaml").code == 0
    clip.write_bytes(clip.read_bytes()[:-1])
    assert check().keys() == {clip.relative_to(folder / "data").as_posix()}
    (row,) = json.loads(reelmill("repair", "pipeline.yaml", "-o", "json").out)["rows"]
    assert (row["stage"], row["repaired"]) == (clip.relative_to(folder / "data").parts[0], False)
    assert row["why"].startswith("only files of the pipeline's present data sets can be rebuilt; restore it")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".reelmill")
    }


def test_an_export_of_a_state_is_that_of_its_time(folder: Path) -> None:
    assert reelmill("freeze", "pipeline.yaml", "v1").code == 0
    assert reelmill("export", "pipeline.yaml", "packs", "then", "--mode", "copy").code == 0
    grow(folder, "abc")
    assert reelmill("run", "pipeline.yaml").code == 0
    said = reelmill("export", "pipeline.yaml", "packs", "frozen", "--mode", "copy", "--state", "v1")
    assert said.code == 0, said.err
    assert contents(folder / "frozen") == contents(folder / "then")
    for place, state in (("frozen", ()), ("then", ("--state", "v1"))):
        mixed = reelmill("export", "pipeline.yaml", "packs", place, *state)
        assert (mixed.code, "export of another data set or state" in mixed.err) == (2, True)
    assert reelmill("export", "pipeline.yaml", "packs", "frozen", "--state", "v1").code == 0
    assert contents(folder / "frozen") == contents(folder / "then")
    (kept,) = (folder / "data/_reelmill/frozen/v1/packs").rglob("README.md")
    kept.write_bytes(kept.read_bytes() + b"edited")
    said = reelmill("export", "pipeline.yaml", "packs", "again", "--state", "v1")
    assert said.code == 2
    assert "README.md" in said.err
    assert "no frozen state" in reelmill("export", "pipeline.yaml", "packs", "none", "--state", "v2").err
