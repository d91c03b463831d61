"""The kubectl plugin: one archive per platform with all required packages, and the manifest for krew.

An archive contains `kubectl-reelmill`, a Python script, and the folder `lib` with the packages. File names of extension
modules include the Python version, so those of all supported versions share the folder.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import archive_writer
import yaml
from source import ROOT, ReleaseProblem, semantic

LAUNCHER = Path(__file__).with_name("kubectl-reelmill")
LOCK = ROOT / "release/plugin.lock"
PLATFORMS = {
    "linux-amd64": "x86_64-unknown-linux-gnu",
    "linux-arm64": "aarch64-unknown-linux-gnu",
    "darwin-amd64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
}
"""Platform name in krew -> platform name in uv."""
PYTHONS = ("3.11", "3.12", "3.13")
_LEFT_OUT = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""Metadata files about the installation itself, which are left out."""
Targets = Mapping[str, Sequence[str]]


def targets(told: str) -> Targets:
    """Platform -> versions of Python: all, or those of `linux-amd64/3.12,…`. Raises ReleaseProblem."""
    if not told:
        return dict.fromkeys(PLATFORMS, PYTHONS)
    found: dict[str, list[str]] = {}
    for each in told.split(","):
        platform, _, python = each.partition("/")
        if platform not in PLATFORMS or python not in PYTHONS:
            raise ReleaseProblem(f"no plugin is made for {each}: write PLATFORM/PYTHON, such as linux-amd64/3.12")
        found.setdefault(platform, []).append(python)
    return found


def write(folder: Path, wheel: Path, release: str, address: str, wanted: Targets, time: int) -> None:
    """Write the archives and the manifest. `address` is the folder from which the archives will be downloaded."""
    made = {}
    for platform, pythons in wanted.items():
        path = folder / f"kubectl-reelmill-{release}-{platform}.tar.gz"
        files = {
            "kubectl-reelmill": LAUNCHER.read_bytes(),
            "LICENSE": (ROOT / "LICENSE").read_bytes(),
            **_packages(wheel, platform, pythons),
        }
        archive_writer.write(path, files, time, executable=frozenset({"kubectl-reelmill"}))
        made[platform] = path
    manifest = yaml.safe_dump(krew_manifest(release, address, made), sort_keys=False, width=100)
    (folder / "krew.yaml").write_text(manifest)


def krew_manifest(release: str, address: str, archives: Mapping[str, Path]) -> dict[str, Any]:
    """The manifest of a plugin, https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/."""
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "reelmill"},
        "spec": {
            "version": f"v{semantic(release)}",
            "homepage": "https://reelmill.dev",
            "shortDescription": "Submit, watch and explain video pipelines",
            "description": "Submits pipelines of the reelmill operator, shows their status, logs and events, says why"
            " one does not go on, and retries, suspends or resumes it.",
            "caveats": "Needs Python 3.11, 3.12 or 3.13 on PATH. Commands that read a pipeline's store need the"
            " package reelmill-stages, which the plugin does not contain.",
            "platforms": [
                {
                    "selector": {"matchLabels": dict(zip(("os", "arch"), platform.split("-"), strict=True))},
                    "uri": f"{address}/{path.name}",
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "bin": "kubectl-reelmill",
                }
                for platform, path in archives.items()
            ],
        },
    }


def _packages(wheel: Path, platform: str, pythons: Sequence[str]) -> dict[str, bytes]:
    """Name in the archive -> content, for all files that are installed for a platform."""
    found: dict[str, bytes] = {}
    for python in pythons:
        with tempfile.TemporaryDirectory() as passing:
            options = ["--target", passing, "--python-platform", PLATFORMS[platform], "--python-version", python]
            _install(*options, "--require-hashes", "-r", str(LOCK))
            _install(*options, str(wheel))
            found |= dict(_contents(Path(passing)))
    return found


def _install(*words: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ReleaseProblem(f"the packages of the plugin cannot be installed: {done.stdout.strip()}")


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != "bin" and path.name not in (*_LEFT_OUT, ".lock"):
            yield f"lib/{name.as_posix()}", path.read_bytes()
