"""A stage class of one's own runs as reelmill's stages do, and what is wrong with it is said before any work."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import footage
from cli.terminal import Said, reelmill
from reelmill.contract.errors import SpecError
from reelmill_stages import registry

SAMPLE = Path(__file__).resolve().parents[2] / "manifests/samples/run"


LATER = """
from pathlib import Path
from facts import Facts, FactsBlock
from reelmill.contract.errors import ItemError

__reelmill__ = ["Later"]

class LaterBlock(FactsBlock):
    flag: str

class Later(Facts):
    block_type = LaterBlock

    def process(self, group, work):
        if not Path(self.block.flag).exists():
            raise ItemError("not_yet", "come again later")
        return super().process(group, work)
"""


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the Python path of this process and of those that it starts."""
    folder = tmp_path / "modules"
    folder.mkdir()
    shutil.copyfile(SAMPLE / "facts.py", folder / "facts.py")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "facts", raising=False)
    return folder


def pipeline(folder: Path, **run: Any) -> Path:
    """The sample pipeline over local folders."""
    body = yaml.safe_load((SAMPLE / "pipeline.yaml").read_text())
    spec = body["spec"]
    spec["store"] = {"uri": str(folder / "store")}
    spec["sources"][0]["files"]["uri"] = f"{folder}/films/"
    spec["stages"][0]["run"] |= run
    spec["stages"][0]["failures"] = {"tolerate": 0}
    spec["stages"][1]["clip"]["length"] = "1s"
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def films(folder: Path) -> None:
    (folder / "films").mkdir()
    for name, width in (("wide.mp4", 128), ("narrow.mp4", 32)):
        shutil.copyfile(footage.video(seconds=1.0, size=(width, 32), audio=False), folder / "films" / name)
    (folder / "films" / "broken.mp4").write_bytes(b"this is no video")


def refusal(params: dict[str, Any]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        registry.stage("run", {"entrypoint": "facts:Facts", **params})
    return caught.value


@pytest.mark.store
def test_a_stage_of_ones_own_has_ledger_tolerance_and_commit_like_any_other(tmp_path: Path) -> None:
    films(tmp_path)
    path = pipeline(tmp_path)
    ran = reelmill("run", path, "-q", "-o", "json")
    assert ran.code == 65, ran.err
    rows = json.loads(reelmill("ledger", path, "--stage", "facts", "--item", "*", "-o", "json").out)
    assert {row["key"]: (row["outcome"], row.get("reason", "")) for row in rows} == {
        "wide.mp4": ("done", ""),
        "narrow.mp4": ("filtered", "too_small"),
        "broken.mp4": ("failed", "corrupt"),
    }
    (made,) = tmp_path.glob("store/facts/*/0001/facts/*.json")
    assert json.loads(made.read_text()) == {"width": 128, "height": 32}
    stages = {stage["name"]: stage["totals"] for stage in json.loads(ran.out)["stages"]}
    assert stages["facts"] == {"in": 3, "done": 1, "filtered": 1, "failed": 1, "skipped": 0}
    body = yaml.safe_load(path.read_text())
    body["spec"]["stages"][0]["failures"] = {"tolerate": 1}
    path.write_text(yaml.safe_dump(body))
    again = reelmill("run", path, "-q", "-o", "json")
    assert again.code == 0, again.err
    stages = {stage["name"]: stage["totals"] for stage in json.loads(again.out)["stages"]}
    assert (stages["facts"]["in"], stages["clips"]["done"]) == (3, 1)
    idle = reelmill("plan", path, "-o", "json")
    assert idle.out.count('"cached"') == 2


@pytest.mark.store
def test_items_that_a_stage_of_ones_own_failed_are_retried(tmp_path: Path, importable: Path) -> None:
    films(tmp_path)
    (importable / "later.py").write_text(LATER)
    path = pipeline(tmp_path, entrypoint="later:Later", params={"flag": str(tmp_path / "flag")})
    assert reelmill("run", path, "-q").code == 65
    (tmp_path / "flag").touch()
    retried = reelmill("retry", path, "--class", "not_yet", "-o", "json")
    assert retried.code == 65, retried.err
    rows = json.loads(reelmill("ledger", path, "--stage", "facts", "--item", "*", "-o", "json").out)
    assert {row["key"]: row.get("reason", "") for row in rows} == {
        "wide.mp4": "",
        "narrow.mp4": "too_small",
        "broken.mp4": "corrupt",
    }


@pytest.mark.store
def test_a_class_that_cannot_be_imported_ends_the_run_before_any_item_and_says_where_it_belongs(tmp_path: Path) -> None:
    films(tmp_path)
    path = pipeline(tmp_path, entrypoint="nowhere.to_be:Found")
    assert reelmill("validate", path).code == 0
    assert reelmill("plan", path).code == 0
    ran: Said = reelmill("run", path)
    assert ran.code == 2
    assert "nowhere" in ran.err
    assert "PYTHONPATH" in ran.err
    assert "Traceback" not in ran.err
    assert not list(tmp_path.glob("store/facts/*/0001/_reelmill/shards/*"))


def test_parameters_are_checked_by_the_classs_own_model() -> None:
    stage: Any = registry.stage("run", {"entrypoint": "facts:Facts", "params": {"minWidth": 200}})
    assert stage.block.min_width == 200
    wrong = refusal({"params": {"minWidht": 200}})
    assert "params.minWidht" in wrong.what
    assert "minWidth" in wrong.hint
    assert "params.minWidth" in refusal({"params": {"minWidth": "wide"}}).what


def test_a_class_without_a_model_takes_no_parameters(importable: Path) -> None:
    (importable / "bare.py").write_text(
        "from reelmill_stages.stage import Stage\n__reelmill__ = ['Bare']\nclass Bare(Stage): pass\n"
    )
    assert registry.stage("run", {"entrypoint": "bare:Bare"}).block.params() == {}
    wrong = refusal({"entrypoint": "bare:Bare", "params": {"any": 1}})
    assert (wrong.what.split(":")[0], wrong.hint) == ("params.any", "StageBlock has no fields")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_this_name\nclass Facts: pass", "needs the package 'nothing_of_this_name'"),
        ("1 / 0", "ZeroDivisionError"),
        ("class Facts: def", "SyntaxError"),
        ("class Others: pass", "declares Facts but does not define it"),
        ("import sys; sys.exit('bye')", "SystemExit"),
        ("class Facts: pass", "is not a stage"),
    ],
)
def test_a_problem_with_a_module_is_reported_with_a_remedy(code: str, said: str, importable: Path) -> None:
    (importable / "facts.py").write_text(f"__reelmill__ = ['Facts']\n{code}")
    wrong = refusal({})
    assert said in wrong.what
    assert (wrong.where, bool(wrong.hint)) == ("facts:Facts", True)


def test_the_page_shows_the_sample() -> None:
    page = (SAMPLE.parents[2] / "docs/writing-a-stage.md").read_text()
    code = (SAMPLE / "facts.py").read_text().partition('"""\n\n')[2]
    assert f"```python\n{code}```" in page
