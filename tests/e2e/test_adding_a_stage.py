"""The steps of CONTRIBUTING's "Add a stage", carried out on a copy of the sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

import footage
from reelmill_stages import open_data_set, open_store

ROOT = Path(__file__).resolve().parents[2]
STEPS = (ROOT / "CONTRIBUTING.md").read_text().split("\n## Add a stage\n")[1].partition("\n## ")[0]
BLOCKS = re.compile(r"^ *```(python|diff)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TEMPLATE = "manifests/crd/videopipelines.yaml"
pytestmark = pytest.mark.store


class Checkout:
    """A copy of both source trees with the steps carried out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for tree in ("operator/src", "stages/src"):
            shutil.copytree(ROOT / tree, folder / tree, ignore=shutil.ignore_patterns("__pycache__"))
        self.written = [path for language, text in BLOCKS.findall(STEPS) if (path := self._do(language, dedent(text)))]

    def run(self, *command: str) -> str:
        """Run a Python program with the copy in front of the installed distributions."""
        trees = [self.folder / "operator/src", self.folder / "stages/src", ROOT / "tests"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, trees))}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _do(self, language: str, text: str) -> str:
        """Write the file, or apply the change, that a code block shows below the path of the file."""
        first, _, rest = text.partition("\n")
        path = self.folder / first.removeprefix("# ")
        if language == "python":
            assert not path.exists(), "a file of the example is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rest)
            return str(path.relative_to(self.folder))
        before = ""
        for line in rest.splitlines():
            if line.startswith("+"):
                source = path.read_text()
                assert source.count(f"\n{before}\n") == 1, before
                path.write_text(source.replace(f"\n{before}\n", f"\n{before}\n{line[1:]}\n"))
            before = line[1:]
        return ""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def pipeline(folder: Path, **fields: Any) -> Path:
    """A pipeline of one stage over two videos, one of them broken."""
    (folder / "videos").mkdir(exist_ok=True)
    shutil.copyfile(footage.video(seconds=1.0, size=(128, 32), audio=False), folder / "videos/a.mp4")
    (folder / "videos/b.mp4").write_bytes(b"no video")
    spec = {
        "store": {"uri": "store"},
        "sources": [{"name": "films", "files": {"uri": "videos"}}],
        "stages": [{"name": "sizes", "describe": fields, "failures": {"tolerate": 1}}],
    }
    path = folder / "pipeline.yaml"
    body = {"apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "metadata": {"name": "x"}, "spec": spec}
    path.write_text(yaml.safe_dump(body))
    return path


def test_a_stage_is_three_files_beside_the_line_of_its_package_and_one_registration(checkout: Checkout) -> None:
    code = [name for name in checkout.written if not name.endswith("__init__.py")]
    assert [name.split("/")[0] for name in code] == ["operator", "stages", "tests"]
    assert STEPS.count("```diff") == 1


def test_the_stage_passes_the_test_that_it_comes_with(checkout: Checkout) -> None:
    (test,) = (name for name in checkout.written if name.startswith("tests/"))
    said = checkout.run("-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=.", test)
    assert "1 passed" in said


def test_the_stage_is_validated_and_run(checkout: Checkout) -> None:
    file = str(pipeline(checkout.folder, digits=0))
    checkout.run("-P", "-m", "reelmill.cli", "validate", file)
    checkout.run("-P", "-m", "reelmill.cli", "run", file)
    sizes = open_data_set(open_store(str(checkout.folder / "store")), "sizes")
    ((key,),) = ([output.key for output in item.outputs] for item in sizes.items())
    assert json.loads(sizes.fetch(key).read_text()) == {"width": 128, "height": 32, "seconds": 1.0}
    assert (sizes.totals.done, sizes.totals.failed) == (1, 1)
    assert "corrupt" in checkout.run("-P", "-m", "reelmill.cli", "ledger", file)


def test_the_generated_files_know_the_stage(checkout: Checkout) -> None:
    checkout.run("-P", "-m", "reelmill.schema")
    (version,) = yaml.safe_load((checkout.folder / TEMPLATE).read_text())["spec"]["versions"]
    stage = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["stages"]["items"]
    assert stage["properties"]["describe"]["properties"]["digits"]["maximum"] == 9
    assert any("describe" in rule["message"] for rule in stage["x-kubernetes-validations"])
    assert "## spec.stages[].describe" in (checkout.folder / "docs/reference.md").read_text()
    page = checkout.run("-P", "-m", "reelmill.cli", "schema")
    assert "DescribeBlock" in page
