"""Build the images with whatever builds images here, docker, podman or buildah, and say how large they are.

`python images/build.py [operator] [stages-cpu] [stages-gpu] [stages-embed]`: without a name, all but the last, which
holds torch and is several gigabytes: `stages-embed` runs models, on CPUs and GPUs. Words after `--` go to the
builder as they are. Needs nothing but Python 3.11.
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
    """One image of the product: `folder` holds its Dockerfile."""

    folder: str
    repository: str
    target: str = ""
    suffix: str = ""


IMAGES = {
    "operator": Image("operator", "reelmill-operator"),
    "stages-cpu": Image("stages", "reelmill-stages", "cpu"),
    "stages-gpu": Image("stages", "reelmill-stages", "gpu", "-gpu"),
    "stages-embed": Image("stages", "reelmill-stages", "embed", "-embed"),
}
ALWAYS = ("operator", "stages-cpu", "stages-gpu")
"""What is built where nothing is named."""


def version() -> str:
    """The distribution's version: an image's tag unless another is asked for."""
    return str(tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """The commit that is built, marked where files differ from it."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def engine() -> list[str]:
    """The first builder that works: docker needs its daemon, and buildah needs nothing."""
    for name in ENGINES:
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True).returncode:
            return [name]
    sys.exit(f"none of {', '.join(ENGINES)} works here: start docker, or install one (apt-get install buildah)")


def name(image: Image, registry: str, tag: str) -> str:
    """`registry/reelmill-stages:0.1.0-gpu`."""
    return f"{registry.rstrip('/')}/{image.repository}:{tag}{image.suffix}".lstrip("/")


def build(builder: list[str], image: Image, reference: str, base: str, options: list[str]) -> None:
    """Build one image. Raises CalledProcessError; the builder has said why."""
    dockerfile = ROOT / "images" / image.folder / "Dockerfile"
    arguments = {"VERSION": version(), "REVISION": revision(), **({"BASE_IMAGE": base} if base else {})}
    command = [*builder, "build", "--file", str(dockerfile), "--tag", reference]
    command += [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    command += ["--target", image.target] if image.target else []
    # docker finds the list beside the Dockerfile by itself; the others build every stage in layers only when told to.
    if Path(builder[0]).name != "docker":
        command += ["--ignorefile", f"{dockerfile}.dockerignore", "--layers"]
    subprocess.run([*command, *options, str(ROOT)], check=True, env={**os.environ, "DOCKER_BUILDKIT": "1"})


def save(builder: list[str], reference: str, archive: Path) -> None:
    """Write an image to an archive that `docker load` or `ctr images import` take."""
    archive.unlink(missing_ok=True)
    if Path(builder[0]).name == "buildah":
        command = ["push", "--quiet", reference, f"oci-archive:{archive}:{reference}"]
    elif builder[0] == "podman":
        command = ["save", "--quiet", "--format", "oci-archive", "--output", str(archive), reference]
    else:
        command = ["save", "--output", str(archive), reference]
    subprocess.run([*builder, *command], check=True)


def main() -> None:
    """Build what is asked for, then print a line about each image."""
    parser = argparse.ArgumentParser(prog="images/build.py", description=__doc__)
    parser.add_argument("images", nargs="*", help=f"of {', '.join(IMAGES)} (default: all but stages-embed)")
    parser.add_argument("--engine", default="", help="builder and its global options (default: the first that works)")
    parser.add_argument("--base-image", default="", help="another base, or the default one by its digest")
    parser.add_argument("--registry", default="", help="what goes before the images' names")
    parser.add_argument("--tag", default=version(), help="(default: %(default)s)")
    parser.add_argument("--archives", type=Path, help="a folder to write an archive of each image to")
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    given, options = parser.parse_args(words[:cut]), words[cut + 1 :]
    if unknown := sorted(set(given.images) - set(IMAGES)):
        parser.error(f"no image is called {unknown[0]}; there are {', '.join(IMAGES)}")
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
                sys.exit(f"{reference}: {builder[0]} ended with {error.returncode}")
            lines.append(f"{reference}: {size(folder / f'{key}.tar')}")
            if not given.archives:
                (folder / f"{key}.tar").unlink()
    print("\n".join(lines))


if __name__ == "__main__":
    main()
