"""Image archives of a release."""

import shutil
import sys
from pathlib import Path

from source import ROOT, ReleaseProblem

sys.path.insert(0, str(ROOT / "images"))
from build import IMAGES


def copied(given: Path, folder: Path, release: str) -> dict[str, Path]:
    """Copy `<image>.tar` of each image found in `given`; returns image -> copy. Raises ReleaseProblem."""
    found = {key: given / f"{key}.tar" for key in IMAGES if (given / f"{key}.tar").is_file()}
    if not found:
        raise ReleaseProblem(
            f"{given} holds no archive of an image: write some with make images ARGS='--archives {given}'"
        )
    made = {}
    for key, path in found.items():
        made[key] = folder / f"{IMAGES[key].repository}-{release}{IMAGES[key].suffix}.oci.tar"
        shutil.copyfile(path, made[key])
    return made
