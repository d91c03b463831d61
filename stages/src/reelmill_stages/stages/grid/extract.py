"""Computes features of batches of images, in the type in which they are stored."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.models.device import choose
from reelmill_stages.stages.grid.codebook import read_codebook
from reelmill_stages.stages.grid.containers import Array
from reelmill_stages.stages.grid.pixels import Pixels
from reelmill_stages.stages.grid.provenance import Attributes, attributes
from reelmill_stages.stages.grid.tower import Config, GridSelection, Tower, architecture


class Extractor:
    """Runs the model of the block; created once per shard."""

    def __init__(
        self, block: GridBlock, weights: Path, codebook: Path | None = None, *, config: Config | None = None
    ) -> None:
        """`config` replaces the architecture of the model. Raises SpecError for weights that do not match."""
        self.device = choose(block.device)
        config = config or architecture(block.model)
        where = block.weights.uri
        self._tower = Tower(config, weights, input_side=block.input, device=self.device.name, where=where)
        self._grid = GridSelection(int(block.grid.partition("x")[0]), block.space)
        self._dtype = np.dtype(block.dtype)
        self._codebook = None
        if codebook:
            self._codebook = read_codebook(codebook, config["embed_dim"], block.labels.uri if block.labels else "")
        self.attributes: Attributes = attributes(block, weights, self.device.name, codebook)

    def run(self, images: Sequence[Pixels]) -> tuple[list[Array], list[Array]]:
        """Return (features of each image, classes of each image if enabled).

        Features are (rows, width) in the stored type, classes int64 (patches,).
        """
        patches = self._tower.patches(list(images))
        features = self._tower.grid(patches, self._grid).cpu().numpy()
        with np.errstate(over="ignore"):  # values out of range become infinite, and are refused later
            features = features.astype(self._dtype, copy=False)
        if self._codebook is None:
            return list(features), []
        return list(features), list(self._tower.nearest(patches, self._codebook).cpu().numpy())
