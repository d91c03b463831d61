"""Commands on pages that need nothing but this machine are run as they stand, on a finished run of a small pipeline."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from e2e.workshop import Workshop
from repo.pages import blocks
from repo.tree import ROOT
from tracing.received import PATIENT, receiver

pytestmark = pytest.mark.store  # needs no server, but runs pipelines
RULES = [{"name": "short", "field": "duration", "min": 0.5}, {"name": "big", "field": "media.size", "max": 1}]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pipeline.yaml`, whose stage `keep` drops everything, and its store, `data`."""
    shop = Workshop(tmp_path_factory.mktemp("pages"), name="pipeline", store_at="data")
    shop.film("a.mp4", "b.mp4")
    shop.sources = [{"name": "raw", "files": {"uri": "videos/"}}]
    shop.stages = [
        {"name": "clips", "clip": {"by": "length", "length": "1s"}},
        {"name": "keep", "filter": {"rules": RULES}},
    ]
    ran("reelmill run pipeline.yaml", shop.file.parent)
    return shop.folder


@pytest.fixture
def here(finished: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    shutil.copytree(finished, tmp_path / "here")
    return tmp_path / "here"


def environment(folder: Path, **more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELMILL_", "OTEL_"))}
    return {**kept, "PATH": path, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), **more}


def ran(command: str, folder: Path, **more: str) -> str:
    """What a shell prints."""
    done = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment(folder, **more), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def commands(page: str) -> list[str]:
    """The page's commands, in order."""
    typed = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return typed + [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line[:2] == "$ "]


def test_the_page_about_curation(here: Path) -> None:
    ledger, tune, funnel = commands("docs/curation.md")
    assert "filtered  big" in ran(ledger, here)
    assert "keep keeps 0 of" in ran(tune, here)
    assert list((here / "report").iterdir())
    assert "filtered big" in ran(funnel, here)


def test_the_page_about_run_reports(here: Path) -> None:
    (command,) = commands("docs/run-report.md")
    ran(command, here)
    assert "</html>" in (here / "report.html").read_text()


def test_the_page_about_support_bundles(here: Path) -> None:
    (command,) = commands("docs/support-bundle.md")
    ran(command, here)
    assert [path.name for path in here.glob("*.tar.gz")]


def test_the_page_about_installing(here: Path) -> None:
    metrics, lineage = commands("docs/install.md")
    ran(metrics, here)
    told = json.loads(ran("reelmill status pipeline.yaml -o json", here))
    families = text_string_to_metric_families((here / "films.prom").read_text())
    found = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
    for row in told[1:]:
        assert found["reelmill_stage_items", "done", row["type"]] == row["done"]
        assert found["reelmill_stage_items", "filtered", row["type"]] == row["filtered"]
        assert found["reelmill_stage_cpu_seconds", "default", row["type"]] == row["usage"]["cpuSeconds"]
        assert (
            found["reelmill_stage_worker_seconds", "decode", "default", row["type"]] == row["usage"]["work"]["decode"]
        )
    assert {labels[-1] for labels in found} == {"clip", "filter"}
    shutil.rmtree(here / "data")
    ran(lineage, here)
    states = [json.loads(line)["eventType"] for line in (here / "events.jsonl").read_text().splitlines()]
    assert (states[0], states[-1]) == ("START", "COMPLETE")


def test_the_page_about_traces(here: Path) -> None:
    shutil.rmtree(here / "data")
    (command,) = commands("docs/traces.md")
    with receiver() as (collector, spans):
        ran(command.replace("http://localhost:4318", collector), here, **PATIENT)
    assert "run pipeline" in [span.name for span in spans]


def test_the_page_about_a_stage_of_ones_own(here: Path) -> None:
    (stage,) = [block for block in blocks("docs/writing-a-stage.md", "yaml") if "entrypoint: facts:Facts" in block]
    document = yaml.safe_load((here / "pipeline.yaml").read_text())
    document["spec"]["stages"] = yaml.safe_load(stage)["stages"]
    (here / "pipeline.yaml").write_text(yaml.safe_dump(document))
    (here / "manifests").symlink_to(ROOT / "manifests")
    (here / ".venv").symlink_to(Path(sys.executable).parents[1])
    (command,) = commands("docs/writing-a-stage.md")
    ran(command, here)
    assert len(list((here / "data").rglob("0001/facts/*.json"))) == 2


def test_the_page_about_the_dashboard(here: Path) -> None:
    of_files, of_store, ask = commands("docs/dashboard.md")
    for command in (of_files, of_store):
        with served(command, here) as address:
            assert ask.count("http://localhost:8787") == 1
            end = time.monotonic() + 120
            found = {"read_at": None}
            while not found["read_at"]:  # the list may still be read
                assert time.monotonic() < end
                found = json.loads(ran(ask.replace("http://localhost:8787", address), here))
            assert (found["rows"], sum(found["states"].values())) == ([], 1)


@contextmanager
def served(command: str, folder: Path) -> Iterator[str]:
    """The address of a page; the port of the documentation may be taken."""
    words = [*command.partition("#")[0].split(), "--port", "0"]
    with subprocess.Popen(words, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            (address,) = re.findall(r"http://localhost:\d+", process.stderr.readline())
            yield address
        finally:
            process.terminate()
        assert process.wait(120) == 0
