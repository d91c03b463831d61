"""A release installed from dist/ alone into an empty environment: the demo runs, on videos that it makes itself."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import release_version
from release import package_cache
from release.making import made
from repo.tree import ROOT

pytestmark = pytest.mark.store


@dataclass(frozen=True)
class Installed:
    """An environment with a release, and an empty folder without a checkout around it."""

    home: Path
    folder: Path

    def run(self, *words: str, code: int = 0, within: str = "") -> str:
        """What a command prints. Raises AssertionError if its exit status is another one."""
        done = subprocess.run(
            [self.home / "bin" / words[0], *words[1:]],
            cwd=self.folder / within,
            env={"PATH": f"{self.home}/bin:/usr/bin:/bin", "HOME": str(self.folder), "TMPDIR": tempfile.gettempdir()},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("release") / "dist", "--parts", "packages")


@pytest.fixture(scope="module")
def bare(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Both packages without the extra of the stages that the demo needs."""
    return installation(dist, tmp_path_factory.mktemp("bare"), "")


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Both packages as the documentation installs them."""
    return installation(dist, tmp_path_factory.mktemp("installed"), "[text]")


def installation(dist: Path, folder: Path, extra: str) -> Installed:
    """A new environment. Packages of others come from a cache that holds those of the lock."""
    variables, uv = package_cache.environment(), package_cache.UV
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True, env=variables)
    ours = [f"{next(dist.glob('reelmill-*.whl'))}[cli]", f"{next(dist.glob('reelmill_stages-*.whl'))}{extra}"]
    command = [uv, "pip", "install", "--quiet", "--python", folder / "venv/bin/python"]
    subprocess.run([*command, "--constraint", ROOT / "requirements.lock", *ours], check=True, env=variables)
    (folder / "work").mkdir()
    return Installed(folder / "venv", folder / "work")


def test_without_the_extra_the_demo_says_what_to_install_and_makes_nothing(bare: Installed) -> None:
    assert "pip install 'reelmill-stages[text]'" in bare.run("reelmill", "demo", code=2)
    assert not list(bare.folder.iterdir())


def test_both_packages_come_from_the_release(installed: Installed) -> None:
    told = "import reelmill, reelmill_stages, sys; print(sys.prefix, reelmill.__file__, reelmill_stages.__file__)"
    prefix, *files = installed.run("python", "-P", "-c", told).split()
    assert all(file.startswith(prefix) for file in files)
    assert installed.run("reelmill", "--version") == f"reelmill {release_version.version()}\n"
    assert installed.run("kubectl-reelmill", "--version") == f"reelmill {release_version.version()}\n"


def test_020_f02_the_demo_runs_without_a_checkout(installed: Installed) -> None:
    said = installed.run("reelmill", "demo")
    assert "read back without torch: 10 samples" in said
    assert "\n$ reelmill run pipeline.yaml\n" in said
    assert (installed.folder / "demo/contact-sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "valid" in installed.run("reelmill", "validate", "demo/pipeline.yaml")
    words = ["ledger", "pipeline.yaml", "--outcome", "failed", "-o", "json"]
    rows = json.loads(installed.run("reelmill", *words, within="demo"))
    assert [(row["stage"], row["key"], row["reason"]) for row in rows] == [("clips", "corrupt.mp4:0-2", "truncated")]


def test_an_example_pipeline_is_written_and_valid(installed: Installed) -> None:
    installed.run("reelmill", "init", "pipeline.yaml")
    installed.run("reelmill", "plan", "--offline", "pipeline.yaml")
