"""Compares stored features with features that are computed again from the images.

`python -P -m reelmill_stages.stages.grid.live FEATURES WEIGHTS IMAGE...` prints a line per image, and exits with 1 if
one differs by more than the tolerance. Model, fit, grid and space are read from the attributes of the file.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.text.terminal import printable
from reelmill_stages.sources.images import image_id
from reelmill_stages.stages.grid.containers import opened
from reelmill_stages.stages.grid.extract import Extractor
from reelmill_stages.stages.grid.keys import key
from reelmill_stages.stages.grid.pixels import pixels
from reelmill_stages.stages.grid.provenance import block_of, digest
from reelmill_stages.stages.grid.tower import Config

TOLERANCE = {"float32": 1e-3, "float16": 2e-2}
"""Tolerance of the largest absolute difference; features are of the order of 1."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The largest absolute difference between stored and computed features of an image, and the tolerance."""

    image_id: int
    difference: float
    tolerance: float

    @property
    def same(self) -> bool:
        return self.difference <= self.tolerance


def compare(
    features: Path,
    weights: Path,
    images: Sequence[Path],
    *,
    tolerance: float | None = None,
    config: Config | None = None,
) -> Iterator[Compared]:
    """Compare the features of images, which are identified by the numbers in their names.

    Raises SpecError for other weights than those of the file, for an image that is not in the file, and for a file
    without attributes; ItemError for an image that cannot be read.
    """
    file = opened(features)
    attributes = file.attributes
    block = block_of(attributes, weights, str(features))
    if attributes.get("weights") != digest(weights):
        raise SpecError(
            "the file was made with other weights", where=str(weights), hint=f"it says {attributes.get('weights')}"
        )
    extractor = Extractor(block, weights, config=config)
    allowed = TOLERANCE[block.dtype] if tolerance is None else tolerance
    for path in images:
        number = image_id(path.name)
        if key(number) not in file:
            raise SpecError(f"{key(number)} not found", where=str(features), hint=f"{path} is not in this set")
        live = extractor.run([pixels(path, block.fit, block.input)])[0][0]
        stored = file.array(key(number)).astype(np.float32)
        if stored.shape != live.shape:
            raise SpecError(f"stored is {stored.shape}, live {live.shape}", where=f"{features}: {key(number)}")
        difference = float(np.abs(stored - live.astype(np.float32)).max())
        yield Compared(number, difference if np.isfinite(difference) else float("inf"), allowed)
    file.close()


def main(arguments: Sequence[str]) -> int:
    """Run the command line. Returns 0 if all are equal, 1 if one differs, 2 if they cannot be compared."""
    parser = argparse.ArgumentParser(prog="python -P -m reelmill_stages.stages.grid.live", description=__doc__)
    parser.add_argument("features", type=Path, help="a file of features")
    parser.add_argument("weights", type=Path, help="the weights that it was made with")
    parser.add_argument("images", type=Path, nargs="+", help="images of the set")
    given = parser.parse_args(arguments)
    wrong = 0
    try:
        for one in compare(given.features, given.weights, given.images):
            wrong += not one.same
            word = "same" if one.same else "DIFFERS"
            sys.stdout.write(f"image {one.image_id}: {word}, by {one.difference:.2g} at most\n")
    except ReelmillError as error:
        sys.stderr.write(f"{printable(str(error))}\n{printable(error.hint)}\n")
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
