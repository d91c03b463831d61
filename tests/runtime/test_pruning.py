"""What prune takes away, what it leaves and says, and how a data set comes back from the trash."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import toy_line as toy

from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError, TransientError
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Owner, Step
from reelmill_stages.commands.prune import prune
from reelmill_stages.records.deletion import delete
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import owned
from reelmill_stages.records.record_files import dump
from reelmill_stages.runtime.outputs.upload import item_mark, put_output

LATER = 3600.0


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """Two definitions of one stage were run; the second stands."""
    line = toy.Line(tmp_path_factory.mktemp("base"))
    line.stage("upper")
    line.put("v")
    line.go()
    line.stages.clear()
    line.stage("upper", "Upper", many=2)
    line.go()
    line.survey()
    return line


@pytest.fixture
def line(base: toy.Line, tmp_path: Path) -> toy.Line:
    shutil.copytree(base.root / "store", tmp_path / "store")
    return toy.Line(tmp_path, stages=list(base.stages), run=base.run)


@pytest.fixture
def former(line: toy.Line) -> DataSetPaths:
    """The data set that the present definition does not make."""
    present = line.stages[0].key[:10]
    (root,) = [path for path in (line.root / "store" / "upper").iterdir() if path.is_dir() and path.name != present]
    return DataSetPaths("upper", json.loads((root / "_reelmill" / "stage.json").read_text())["key"])


def pruned(line: toy.Line, **choices: Any) -> dict[str, Any]:
    asked = {"delete": True, "now": time.time() + LATER, **choices}
    return prune(line.task(Step.SURVEY), os.environ, **asked).to_json()


def keys(line: toy.Line, names: DataSetPaths) -> list[str]:
    return [stat.key for stat in line.store.list(f"{names.root}/")]


def test_a_former_definition_is_deleted_completely(line: toy.Line, former: DataSetPaths) -> None:
    (row,) = pruned(line)["rows"]
    assert (row["key"], row["deleted"], row["left"]) == (former.key[:10], True, [])
    assert keys(line, former) == []
    assert line.data("upper").totals.done == 1


def test_what_reelmill_did_not_write_stays_and_is_named(line: toy.Line, former: DataSetPaths) -> None:
    root = line.root / "store" / former.root
    (root / "notes.txt").write_text("mine")
    edited = root / "0001" / "out" / "v.txt"
    edited.write_text(edited.read_text().lower())
    (row,) = pruned(line)["rows"]
    assert row["left"] == [f"{former.root}/0001/out/v.txt", f"{former.root}/notes.txt"]
    assert keys(line, former) == row["left"]


def test_outputs_that_a_killed_pod_left_go_and_a_copy_of_one_stays(line: toy.Line, former: DataSetPaths) -> None:
    made = line.root / "made.txt"
    made.write_text("made")
    put_output(line.store, f"{former.root}/0001/out/left.txt", made, item_mark(former.key, 1, "v"))
    put_output(line.store, f"{former.root}/0001/out/other.txt", made, item_mark("0" * 64, 1, "v"))
    root = line.root / "store" / former.root
    shutil.copy2(root / "0001" / "out" / "left.txt", root / "best.txt")
    (row,) = pruned(line)["rows"]
    assert row["left"] == [f"{former.root}/0001/out/other.txt", f"{former.root}/best.txt"]


def test_a_store_that_was_copied_without_attributes_is_pruned_by_what_its_records_say(
    line: toy.Line, former: DataSetPaths
) -> None:
    shutil.copytree(line.root / "store", line.root / "plain", copy_function=shutil.copyfile)
    shutil.rmtree(line.root / "store")
    (line.root / "plain").rename(line.root / "store")
    (row,) = pruned(line)["rows"]
    assert not [name for name in row["left"] if "/out/" in name or name.endswith("stage.json")]


def test_names_in_records_that_lead_out_of_the_data_set_take_nothing_along(
    line: toy.Line, former: DataSetPaths
) -> None:
    victim = line.root / "store" / "victim.txt"
    victim.write_text("mine")
    record = line.root / "store" / former.stage_json
    said = json.loads(record.read_text())
    record.write_text(json.dumps(said | {"views": ["../../victim.txt", str(victim), "../victim.txt"]}))
    pruned(line)
    assert victim.read_text() == "mine"


def test_an_interrupted_deletion_continues(line: toy.Line, former: DataSetPaths) -> None:
    class Dying:
        """A store that is gone after so many deletions."""

        def __init__(self, after: int) -> None:
            self.left = after

        def __getattr__(self, name: str) -> Any:
            return getattr(line.store, name)

        def delete(self, key: str) -> None:
            self.left -= 1
            if self.left < 0:
                raise TransientError("gone")
            line.store.delete(key)

    total = len(keys(line, former))
    for after in range(1, total):
        (found,) = [each for each in places(line.store.list(follow_links=False)) if each.root == former.root]
        mine = owned(line.store, found)
        assert mine is not None, f"after {after} of {total}: {list(found.objects)}"
        with pytest.raises(TransientError):
            delete(Dying(1), found, mine, line.task(Step.SURVEY).owner)  # type: ignore[arg-type]
    assert pruned(line)["rows"][0]["left"] == []
    assert keys(line, former) == []


def test_what_was_put_into_the_trash_comes_back_by_moving_it_there(line: toy.Line, former: DataSetPaths) -> None:
    before = {key: line.store.read(key) for key in keys(line, former)}
    found = pruned(line, trash=True)
    assert keys(line, former) == []
    assert pruned(line)["rows"] == []
    trash = Path(found["trash"])
    assert trash.is_relative_to(line.root / "store" / "_reelmill" / "trash")
    shutil.move(trash / former.root, line.root / "store" / former.root)
    after = {key: line.store.read(key) for key in keys(line, former)}
    claim = former.user(line.uid)
    assert {**after, claim: b""} == {**before, claim: b""}
    assert [row["key"] for row in pruned(line)["rows"]] == [former.key[:10]]


def test_a_claim_of_another_pipeline_of_the_same_name_keeps_its_data(line: toy.Line, former: DataSetPaths) -> None:
    line.uid = "another"
    found = pruned(line)
    assert found["rows"] == []
    assert [(claim["uid"], claim["name"]) for claim in found["claims"]] == [("uid-1", "default/line")]
    assert former.root in found["claims"][0]["data_sets"]


def test_a_claim_by_name_is_of_an_unknown_pipeline_until_it_is_released(line: toy.Line, former: DataSetPaths) -> None:
    uid = fingerprint(["local", "default", "line"])[:32]
    for stat in line.store.list():
        if "/users/" in stat.key:
            line.store.delete(stat.key)
            by_name = Owner(namespace="default", name="line", uid=uid)
            line.store.write(stat.key.replace("uid-1", uid), dump(by_name))
    found = pruned(line)
    assert found["rows"] == []
    assert [(claim["uid"], claim["by_name"]) for claim in found["claims"]] == [(uid, True)]
    assert [row["deleted"] for row in pruned(line, delete=False, release=[uid])["rows"]] == [False]
    (row,) = pruned(line, release=[uid])["rows"]
    assert (row["key"], row["deleted"]) == (former.key[:10], True)
    assert not [stat.key for stat in line.store.list() if "/users/" in stat.key]
    with pytest.raises(SpecError, match="no claim"):
        pruned(line, release=["nobody"])


def test_a_folder_whose_records_do_not_describe_it_stays_and_is_reported(line: toy.Line) -> None:
    folder = line.root / "store" / "old" / "0123456789" / "_reelmill"
    folder.mkdir(parents=True)
    (folder / "stage.json").write_text("{}")
    assert pruned(line)["unknown"] == ["old/0123456789"]
    assert (folder / "stage.json").read_text() == "{}"


def test_latest_json_is_deleted_with_its_data_set_and_a_users_file_of_that_name_stays(line: toy.Line) -> None:
    line.stages.clear()
    mine = line.root / "store" / "other" / "latest.json"
    mine.parent.mkdir()
    mine.write_text('{"key": "of a door"}')
    assert len(pruned(line)["rows"]) == 2
    assert not (line.root / "store" / "upper").exists()
    assert mine.exists()


def test_a_claim_says_of_which_data_set_it_is(line: toy.Line) -> None:
    data = line.data("upper")
    claim = Claim.model_validate_json(line.store.read(data.names.user(line.uid)))
    assert (claim.uid, claim.data_set, claim.key, claim.by_name) == (line.uid, "upper", data.names.key, False)
