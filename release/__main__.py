"""Make a release: everything that is published of one version, in dist/ (`make release`).

Wheels and source distributions of both packages, the chart, the CRD, a single-file installation, the kubectl plugin
with its krew manifest, bills of materials, release notes and checksums. With `--images FOLDER`, also the archives of
images that `images/build.py --archives FOLDER` wrote (`make release-images`).

The version is that of operator/pyproject.toml. The same commit gives the same bytes: files carry the time of the
commit, or SOURCE_DATE_EPOCH. The folder is created in one step, when all files are complete.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import checksums
import image_archives
import installation
import notes
import plugin
from source import ROOT, ReleaseProblem, commit_time, version

PARTS = ("packages", "chart", "crd", "install", "plugin", "sbom", "notes")
BASE_URL = "https://reelmill.dev/releases"
"""Default of `--url`: the base URL of published release files."""


def arguments(words: list[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder to make (default: dist)")
    parser.add_argument("--parts", default=",".join(PARTS), help="parts to make (default: %(default)s)")
    parser.add_argument(
        "--tag", default="", help="tag that is published: refuse a tree, version or changelog that does not fit it"
    )
    parser.add_argument("--url", default="", help="address of the folder from which the files will be downloaded")
    parser.add_argument("--registry", default="", help="registry and path of the images in the chart and install.yaml")
    parser.add_argument("--images", type=Path, help="folder with archives of images (images/build.py --archives)")
    parser.add_argument(
        "--plugin-targets",
        default="",
        metavar="PLATFORM/PYTHON,…",
        help=f"limit the plugin, such as linux-amd64/3.12 (platforms: {', '.join(plugin.PLATFORMS)})",
    )
    parser.add_argument("--sign", default="", metavar="KEY", help="sign SHA256SUMS with this key of cosign")
    given = parser.parse_args(words)
    given.parts = given.parts.split(",")
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"no part is named {unknown[0]}: choose from {', '.join(PARTS)}")
    return given


def make(given: argparse.Namespace, folder: Path) -> None:
    """Write the chosen parts into a folder. Raises ReleaseProblem."""
    release, time = version(), commit_time()
    address = (given.url or f"{BASE_URL}/v{release}").rstrip("/")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(time)}
    if {"packages", "plugin"} & set(given.parts):
        for project in ("operator", "stages"):
            _run([sys.executable, "-m", "hatchling", "build", "--directory", folder], ROOT / project, environment)
    if "chart" in given.parts:
        installation.write_chart(folder / f"reelmill-{release}.tgz", given.registry, time)
    if "crd" in given.parts:
        installation.write_definition(folder / "crd.yaml")
    if "install" in given.parts:
        installation.write_single_file(folder / "install.yaml", given.registry)
    if "plugin" in given.parts:
        targets = plugin.targets(given.plugin_targets)
        plugin.write(folder, next(folder.glob("reelmill-*.whl")), release, address, targets, time)
    archives = image_archives.copied(given.images, folder, release) if given.images else {}
    if "sbom" in given.parts:
        named = [f"--archive={key}={path}" for key, path in archives.items()]
        _run([sys.executable, "images/sbom.py", "--out", folder, *named], ROOT, environment)
    if "notes" in given.parts:
        (folder / "release-notes.md").write_text(notes.section(notes.changelog(), release))
    checksums.write(folder)
    if given.sign:
        checksums.sign(folder, given.sign)


def _run(command: list[str | Path], where: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


def main(words: list[str]) -> int:
    """Create the folder and list its files. Returns 1, after printing the error, if that fails."""
    given = arguments(words)
    out: Path = given.out.absolute()
    try:
        if given.tag:
            notes.must_fit(given.tag)
        checksums.must_be_replaceable(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as passing:
            unfinished = Path(passing) / "dist"
            unfinished.mkdir()
            make(given, unfinished)
            if out.exists():
                out.rename(Path(passing) / "earlier")
            unfinished.rename(out)
    except (ReleaseProblem, OSError) as problem:
        print(f"release: {problem}", file=sys.stderr)
        return 1
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size / 1e6:9.3f} MB  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
