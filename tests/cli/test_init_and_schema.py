"""What `init` writes is a pipeline, what `schema` prints is the schema, and every sample is sound."""

import json
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from cli.terminal import reelmill
from reelmill import __version__

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "manifests/samples").rglob("*.yaml"))


def test_what_init_writes_is_valid_and_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    assert reelmill("init", path).code == 0
    assert reelmill("validate", path).code == 0
    said = reelmill("init", path)
    assert (said.code, "already exists" in said.err) == (2, True)
    assert reelmill("init", path, "--force").code == 0
    assert reelmill("init", "-").out == path.read_text()


@pytest.mark.parametrize("block", ["table", "clip4mc", "captions"])
def test_every_source_that_init_offers_is_a_valid_choice(tmp_path: Path, block: str) -> None:
    before, _, rest = reelmill("init", "-").out.partition("    files:\n")
    offered = rest.partition(f"    # {block}:")[2].splitlines()
    own = list(takewhile(lambda line: line.startswith("    #   "), offered[1:]))
    source = [f"    {block}:{offered[0]}", *(line.replace("# ", "", 1) for line in own)]
    path = tmp_path / "pipeline.yaml"
    path.write_text(before + "\n".join(source) + "\n  stages:\n" + rest.partition("  stages:\n")[2])
    said = reelmill("validate", path)
    assert said.code == 0, said.err


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_valid_and_can_be_planned(path: Path) -> None:
    assert reelmill("validate", path).code == 0
    assert reelmill("plan", path, "--offline").code == 0


def test_the_schema_is_the_one_in_the_repository() -> None:
    printed = json.loads(reelmill("schema").out)
    assert printed == json.loads((ROOT / "manifests/schema/videopipeline.json").read_text())
    crd = yaml.safe_load(reelmill("schema", "crd").out)
    assert crd == yaml.safe_load((ROOT / "manifests/crd/videopipelines.yaml").read_text())


def test_the_version_and_the_help_come_quickly_and_import_nothing_heavy() -> None:
    probe = (
        "import sys; sys.argv = ['reelmill', '--version']\n"
        "from reelmill.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'av', 'minio', 'torch', 'PIL', 'reelmill_stages'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"reelmill {__version__}\n"), done.stderr


def test_completion_can_be_installed() -> None:
    assert "--install-completion" in reelmill("--help").out
