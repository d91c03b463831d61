"""Commands that look import no code that the pipeline names, though they could; commands that run it do."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import footage
from cli.terminal import reelmill

pytestmark = pytest.mark.store  # needs no server, but each test runs a pipeline

FACTS = Path(__file__).resolve().parents[2] / "manifests/samples/run/facts.py"
TRACED = """
import json
import os
with open({trace!r}, "a") as trace:
    trace.write(__name__ + " " + json.loads(os.environ.get("REELMILL_TASK", '{{"step": ""}}'))["step"] + "\\n")
from facts import FactsBlock
from facts import Facts as Base
from reelmill_stages.stages.pack.samplers.video_only import VideoOnly as Sampler
from reelmill_stages.sources.caption_sets import llava
from reelmill_stages.stage import File

__reelmill__ = ["Facts", "Sampler", "llava"]

class Facts(Base):
    def present(self, data, view):
        path = data.scratch / "facts.txt"
        path.write_text("about facts/000000.json")
        yield File("facts.txt", path)
"""


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules that anybody could import, and the file that tells in which steps somebody did."""
    folder = tmp_path / "modules"
    folder.mkdir()
    shutil.copyfile(FACTS, folder / "facts.py")
    trace = tmp_path / "trace"
    for name in ("my_stage", "my_sampler", "my_adapter"):
        (folder / f"{name}.py").write_text(TRACED.format(trace=str(trace)))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    for name in ("facts", "my_stage", "my_sampler", "my_adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return trace


def written(folder: Path, source: dict[str, Any], *stages: dict[str, Any]) -> Path:
    """A pipeline file over one video, its store beside it."""
    (folder / "videos").mkdir(exist_ok=True)
    shutil.copyfile(footage.video(seconds=1.0, size=(128, 32), audio=False), folder / "videos" / "a.mp4")
    spec = {"store": {"uri": str(folder / "store")}, "sources": [{"name": "raw", **source}], "stages": list(stages)}
    body = {"apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "metadata": {"name": "x"}, "spec": spec}
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def films(folder: Path) -> dict[str, Any]:
    return {"files": {"uri": str(folder / "videos")}}


def talk(folder: Path, count: int, dataset: str = "my_adapter:llava") -> dict[str, Any]:
    """A caption file whose adapter is the user's own."""
    said = [{"from": "human", "value": "what?"}, {"from": "gpt", "value": "a film"}]
    rows = [{"video": f"{name}.mp4", "conversations": said} for name in "abc"[:count]]
    (folder / "talk.json").write_text(json.dumps(rows))
    return {"captions": {"dataset": dataset, "uri": str(folder / "talk.json"), "videos": str(folder / "videos")}}


def planned(path: Path) -> dict[str, dict[str, Any]]:
    said = reelmill("plan", path, "-o", "json")
    assert said.code == 0, said.err
    return {row["name"]: row for row in json.loads(said.out)}


def test_plan_says_what_only_a_run_can_know(tmp_path: Path, trace: Path) -> None:
    path = written(
        tmp_path,
        talk(tmp_path, 1),
        {"name": "facts", "run": {"entrypoint": "my_stage:Facts", "params": {"noSuch": 1}}},
        {"name": "tars", "from": ["raw"], "pack": {"sampler": "my_sampler:Sampler"}},
    )
    rows = planned(path)
    assert rows["raw"]["why"] == "my_adapter:llava lists it when the pipeline runs"
    assert rows["facts"]["why"] == "never run here; my_stage:Facts is checked when the pipeline runs"
    assert {name: (row["items"], row["bytes"]) for name, row in rows.items()} == {
        "raw": (None, 0),
        "facts": (None, None),
        "tars": (None, None),
    }
    table = reelmill("plan", path)
    assert (table.code, table.out.count("?")) == (0, 5)
    assert not trace.exists()


def test_plan_knows_the_items_of_a_users_stage_but_not_their_size(tmp_path: Path, trace: Path) -> None:
    rows = planned(written(tmp_path, films(tmp_path), {"name": "facts", "run": {"entrypoint": "my_stage:Facts"}}))
    assert (rows["raw"]["items"], rows["facts"]["items"], rows["facts"]["bytes"]) == (1, 1, None)
    assert not trace.exists()


@pytest.mark.parametrize("dataset", ["cProfile:run", "this:x", "nowhere:read"])
def test_plan_of_an_adapter_that_must_not_be_imported_is_as_of_any_other(tmp_path: Path, dataset: str) -> None:
    (tmp_path / "pwned.txt").write_text(f"open({str(tmp_path / 'PWNED')!r}, 'w')")
    source = talk(tmp_path, 1, dataset)
    source["captions"]["uri"] = str(tmp_path / "pwned.txt")
    path = written(tmp_path, source, {"name": "clips", "clip": {}})
    assert planned(path)["raw"]["items"] is None
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.store
def test_only_what_runs_the_pipeline_imports_its_code(tmp_path: Path, trace: Path) -> None:
    path = written(
        tmp_path,
        talk(tmp_path, 1),
        {"name": "facts", "run": {"entrypoint": "my_stage:Facts"}},
        {"name": "tars", "from": ["raw"], "pack": {"sampler": "my_sampler:Sampler"}},
    )
    ran = reelmill("run", path, "-q", "-o", "json")
    assert ran.code == 0, ran.err
    assert {stage["name"]: stage["totals"]["done"] for stage in json.loads(ran.out)["stages"]} == {
        "facts": 1,
        "tars": 1,
    }
    assert set(trace.read_text().splitlines()) == {
        "my_adapter survey",  # it lists the source; no other code of the user's runs there
        "my_stage open",  # a small pass is one process, which has the task of its open step
        "my_sampler open",
    }

    trace.unlink()
    talk(tmp_path, 2)
    looks = [
        ("validate", path),
        ("plan", path),
        ("plan", path, "--offline"),
        ("status", path),
        ("ledger", path),
        ("ledger", path, "--stage", "facts", "--item", "*"),
        ("logs", path),
        ("schema",),
        ("export", path, "facts", tmp_path / "facts"),
        ("export", path, "tars", tmp_path / "tars"),
        ("check", tmp_path / "tars"),
        ("check", path, "--stage", "tars"),
        ("prune", path),
    ]
    for look in looks:
        assert (look, reelmill(*look).code) == (look, 0)
    rows = planned(path)
    assert (rows["tars"]["would"], rows["tars"]["why"]) == (
        "unknown",
        "has 1 item; what is new in raw is known when the pipeline runs",
    )
    assert (tmp_path / "facts" / "facts.txt").read_text() == "about facts/000000.json"
    assert not trace.exists()
    assert not {"my_stage", "my_sampler", "my_adapter"} & set(sys.modules)

    again = reelmill("replay", path, "facts", "a.mp4", "--to", tmp_path / "again")
    assert again.code == 0, again.err
    assert set(trace.read_text().splitlines()) == {"my_stage "}
