"""The packages that a release is installed with, in a cache of their own: tests install from it without a network."""

import hashlib
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from repo.tree import ROOT
from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared

NAME = "packages of a release"
LOCKS = ("requirements.lock", "release/plugin.lock", "tests/release/package_cache.py")
PROJECTS = ("operator", "stages")
UV = Path(sys.executable).with_name("uv")
PLUGIN = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", ROOT / "release/plugin.lock"]
PLATFORM = ["--python-platform", "x86_64-unknown-linux-gnu"]


def environment() -> dict[str, str]:
    """Variables with which uv installs from the cache alone. Skips the test where there is none."""
    try:
        return {**os.environ, "UV_CACHE_DIR": str(find()), "UV_OFFLINE": "1"}
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if "store" in required or "control-plane" in required else pytest.skip)(str(problem))


def find() -> Path:
    """The cache. Raises Unavailable."""
    if not (home := _home()).exists():
        raise not_prepared(NAME, "store")
    return home


def make() -> None:
    """Install both distributions and the plugin's packages once, which caches all they need. Raises Unavailable."""
    home = _home()
    with locked(CACHE / "release-packages.lock"):
        if home.exists():
            return
        unfinished = home.with_suffix(".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        variables = {**os.environ, "UV_CACHE_DIR": str(unfinished)}
        ours = ["--constraint", ROOT / "requirements.lock", f"{ROOT / 'operator'}[cli]", f"{ROOT / 'stages'}[text]"]
        for words in (ours, [*PLATFORM, *PLUGIN]):
            with tempfile.TemporaryDirectory() as passing:
                command = [UV, "pip", "install", "--quiet", "--python", sys.executable, "--target", passing, *words]
                output(command, f"the installation of the {NAME}", env=variables)
        unfinished.rename(home)


def _home() -> Path:
    told = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in LOCKS))
    for name in PROJECTS:
        project = tomllib.loads((ROOT / name / "pyproject.toml").read_text())["project"]
        told.update(repr((project["dependencies"], project["optional-dependencies"])).encode())
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return CACHE / "release-packages" / f"{told.hexdigest()[:12]}-{python}"
