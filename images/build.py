"""Build the images with docker, podman or buildah, and print their sizes.

`python images/build.py [operator] [stages-cpu] [stages-gpu] [stages-dashboard] [stages-embed]` builds the named images;
the default is the first three. `stages-dashboard` serves the page of `reelmill dashboard`; `stages-embed` has torch
(several gigabytes) and runs models. Arguments after `--` are passed to the builder. Requires only Python 3.11.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from archive import size

ROOT = Path(__file__).resolve().parents[1]
ENGINES = ("docker", "podman", "buildah")


@dataclass(frozen=True)
class Image:
    """One image. `folder` contains its Dockerfile."""

    folder: str
    repository: str
    target: str = ""
    suffix: str = ""
    locks: tuple[str, ...] = ("requirements.lock",)
    """Locks in `folder` of the packages that it contains."""


IMAGES = {
    "operator": Image("operator", "reelmill-operator"),
    "stages-cpu": Image("stages", "reelmill-stages", "cpu"),
    "stages-gpu": Image("stages", "reelmill-stages", "gpu", "-gpu"),
    "stages-embed": Image(
        "stages", "reelmill-stages", "embed", "-embed", ("requirements.lock", "requirements-embed.lock")
    ),
    "stages-dashboard": Image(
        "stages", "reelmill-stages", "dashboard", "-dashboard", ("requirements.lock", "requirements-dashboard.lock")
    ),
}
ALWAYS = ("operator", "stages-cpu", "stages-gpu")
"""Images that are built by default."""


def version() -> str:
    """The version of the distribution, which is the default tag."""
    return str(tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """The commit that is built, with the suffix `-dirty` if files differ from it."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def engine() -> list[str]:
    """The first working builder. docker needs its daemon; buildah needs none."""
    for name in ENGINES:
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True).returncode:
            return [name]
    sys.exit(f"none of {', '.join(ENGINES)} works: start docker, or install one of them (apt-get install buildah)")


def name(image: Image, registry: str, tag: str) -> str:
    """`registry/reelmill-stages:0.1.0-gpu`."""
    return f"{registry.rstrip('/')}/{image.repository}:{tag}{image.suffix}".lstrip("/")


def build(builder: list[str], image: Image, reference: str, base: str, options: list[str]) -> None:
    """Build one image. Raises CalledProcessError after the builder has printed the reason."""
    dockerfile = ROOT / "images" / image.folder / "Dockerfile"
    arguments = {"VERSION": version(), "REVISION": revision(), **({"BASE_IMAGE": base} if base else {})}
    command = [*builder, "build", "--file", str(dockerfile), "--tag", reference]
    command += [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    command += ["--target", image.target] if image.target else []
    # docker finds the ignore file next to the Dockerfile by itself; the others cache layers only with --layers.
    if Path(builder[0]).name != "docker":
        command += ["--ignorefile", f"{dockerfile}.dockerignore", "--layers"]
    subprocess.run([*command, *options, str(ROOT)], check=True, env={**os.environ, "DOCKER_BUILDKIT": "1"})


def save(builder: list[str], reference: str, archive: Path) -> None:
    """Write an image to an archive for `docker load` or `ctr images import`."""
    archive.unlink(missing_ok=True)
    if Path(builder[0]).name == "buildah":
        command = ["push", "--quiet", reference, f"oci-archive:{archive}:{reference}"]
    elif builder[0] == "podman":
        command = ["save", "--quiet", "--format", "oci-archive", "--output", str(archive), reference]
    else:
        command = ["save", "--output", str(archive), reference]
    subprocess.run([*builder, *command], check=True)


def main() -> None:
    """Build the requested images, then print a line for each."""
    parser = argparse.ArgumentParser(prog="images/build.py", description=__doc__)
    parser.add_argument(
        "images", nargs="*", help=f"images to build: {', '.join(IMAGES)} (default: {', '.join(ALWAYS)})"
    )
    parser.add_argument("--engine", default="", help="builder and its global options (default: the first that works)")
    parser.add_argument("--base-image", default="", help="base image (default: the one in the Dockerfile)")
    parser.add_argument("--registry", default="", help="registry and path to put before the names of the images")
    parser.add_argument("--tag", default=version(), help="tag of the images (default: %(default)s)")
    parser.add_argument("--archives", type=Path, help="folder to write an archive of each image to")
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    given, options = parser.parse_args(words[:cut]), words[cut + 1 :]
    if unknown := sorted(set(given.images) - set(IMAGES)):
        parser.error(f"unknown image {unknown[0]}; choose from {', '.join(IMAGES)}")
    builder = given.engine.split() or engine()
    with tempfile.TemporaryDirectory() as passing:
        folder: Path = given.archives or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for key in given.images or ALWAYS:
            reference = name(IMAGES[key], given.registry, given.tag)
            try:
                build(builder, IMAGES[key], reference, given.base_image, options)
                save(builder, reference, folder / f"{key}.tar")
            except subprocess.CalledProcessError as error:
                sys.exit(f"{reference}: {builder[0]} failed with exit code {error.returncode}")
            lines.append(f"{reference}: {size(folder / f'{key}.tar')}")
            if not given.archives:
                (folder / f"{key}.tar").unlink()
    print("\n".join(lines))


if __name__ == "__main__":
    main()
