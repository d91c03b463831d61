"""Grid features computed from images during training, in the form of stored ones. Requires torch.

For trying out a model without writing features first, or for storing only the train split. A map-style dataset for
`torch.utils.data.DataLoader`, which can replace `GridFeatures`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from reelmill.contract.errors import ItemError, NotFound, SpecError
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.contract.task import Connection
from reelmill_stages.datasets.grids import GridFeatures, GridSample, fitted
from reelmill_stages.models.extra import load, require
from reelmill_stages.sources.images import IMAGES, image_id
from reelmill_stages.stages.grid.pixels import Pixels, pixels
from reelmill_stages.stages.grid.provenance import block_of, digest
from reelmill_stages.store.open import open_location, split_uri


class LiveGridFeatures:
    """The images of a folder, in order of their ids, with features that the model computes when they are read.

    - `images`: a folder, local or in a bucket, as in the source `images`; `split`: one of its folders, or several
      joined by `+`.
    - `weights`: the file with the weights of the model.
    - `like`: a file of stored features (or its folder, as for `GridFeatures`): model, fit, input, grid, space and dtype
      are those of that file, and the weights must be the ones that it was made with.
    - other parameters: fields of the stage `grid`, such as `model`, `grid` and `fit`, without `like`. `device` is
      `auto`, `cpu` or `gpu`.

    A DataLoader with a `batch_size` runs the model once per batch, in the process that reads it. The weights are loaded
    at the first read in each process, so use `num_workers=0` (or few workers, started by `spawn`) on a GPU. An image
    that cannot be read raises SpecError with its name. Raises SpecError without torch and open_clip, for weights that
    do not match, and for images without a number or with the same one; NotFound for a split without images.
    """

    config: Mapping[str, Any] | None = None
    """An architecture that replaces that of the model, for subclasses."""

    def __init__(
        self,
        images: str,
        weights: str | Path,
        *,
        split: str = "",
        like: str = "",
        max_detections: int | None = None,
        endpoint: str = "",
        region: str = "",
        **grid: Any,
    ) -> None:
        require("torch", "open_clip")
        self._connection = Connection(endpoint=endpoint, region=region)
        self._weights = Path(weights)
        self._block = self._block_of_file(like, grid) if like else _block(self._weights, grid)
        self._max = max_detections
        self._images = self._uris_by_id(images, split)
        self.ids = sorted(self._images)
        self._extractor: Any = None
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_extractor": None}

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> GridSample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[GridSample]:
        """The samples of a batch, by one run of the model. DataLoader calls this."""
        return self._samples([self.ids[index] for index in indices])

    def of(self, image: int | str) -> GridSample:
        """Return the features of an image by its id or COCO file name. Raises NotFound if there is no such image."""
        return self._samples([image_id(image) if isinstance(image, str) else image])[0]

    def _samples(self, ids: Sequence[int]) -> list[GridSample]:
        features = self._model().run([self._pixels(number) for number in ids])[0]
        empty = np.empty(0, np.float32)
        return [
            GridSample(number, fitted(each.astype(np.float32), self._max), empty)
            for number, each in zip(ids, features, strict=True)
        ]

    def _pixels(self, number: int) -> Pixels:
        uri = self._images.get(number)
        if uri is None:
            raise NotFound(f"image {number} not found", where="images", hint="check the folder and the split")
        root, name = split_uri(uri)
        try:
            data = open_location(root, self._connection, os.environ).read(name)
            return pixels(data, self._block.fit, self._block.input)
        except ItemError as error:
            raise SpecError(error.what, where=uri, hint="replace the image, or remove it from the folder") from error

    def _model(self) -> Any:
        if self._extractor is None or self._process != os.getpid():
            extract = load("reelmill_stages.stages.grid.extract")
            self._process = os.getpid()
            self._extractor = extract.Extractor(self._block, self._weights, config=self.config)
        return self._extractor

    def _block_of_file(self, like: str, grid: Mapping[str, Any]) -> GridBlock:
        if unused := set(grid) - {"device"}:
            raise SpecError(f"{', '.join(sorted(unused))} cannot be given with like", hint="they are those of its file")
        stored = GridFeatures(like, endpoint=self._connection.endpoint, region=self._connection.region)
        attributes = stored.attributes
        if attributes.get("weights") != digest(self._weights):
            raise SpecError(
                "the file was made with other weights", where=like, hint=f"it says {attributes.get('weights')}"
            )
        return block_of(attributes, self._weights, like, **grid)

    def _uris_by_id(self, images: str, split: str) -> dict[int, str]:
        """Return image id -> URI."""
        found: dict[int, str] = {}
        for part in dict.fromkeys(split.split("+")):
            folder = f"{images.rstrip('/')}/{part}".rstrip("/") + "/"
            before = len(found)
            for uri in self._image_uris(folder):
                try:
                    number = image_id(uri)
                except ItemError as error:
                    raise SpecError(error.what, where=uri, hint="rename it, or remove it from the folder") from error
                if number in found:
                    raise SpecError(f"{found[number]} and {uri} are both image {number}", where=folder)
                found[number] = uri
            if len(found) == before:
                raise NotFound("no image in this folder", where=folder, hint="check the folder and the split")
        return found

    def _image_uris(self, folder: str) -> Iterator[str]:
        root, prefix = split_uri(folder)
        for stat in open_location(root, self._connection, os.environ).list(prefix):
            if stat.key.rpartition(".")[2].lower() in IMAGES:
                yield f"{root.rstrip('/')}/{stat.key}"


def _block(weights: Path, grid: Mapping[str, Any]) -> GridBlock:
    try:
        block = GridBlock.model_validate({**grid, "weights": {"uri": str(weights)}})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SpecError(f"{where}: {first['msg']}", hint="parameters are fields of the stage grid") from error
    if wrong := block.refusals():
        raise SpecError(wrong[0], hint="parameters are fields of the stage grid")
    return block
