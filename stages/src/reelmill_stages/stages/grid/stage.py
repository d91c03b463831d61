"""The `grid` stage: workers decode and preprocess images, the main process runs the model and writes features."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    Failed,
    File,
    Input,
    Kept,
    Refused,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.stages.grid.containers import container
from reelmill_stages.stages.grid.merge import merged_files
from reelmill_stages.stages.grid.part import GridPart
from reelmill_stages.stages.grid.pixels import Pixels, pixels
from reelmill_stages.weight import Weight

if TYPE_CHECKING:
    from reelmill_stages.stages.grid.extract import Extractor

Batch = list[tuple[Kept, Pixels]]


class GridStage(Stage):
    """Extracts CLIP grid features."""

    spans = True
    pace = 0.5
    config: Mapping[str, Any] | None = None
    """An architecture that replaces that of the block's model, for subclasses."""

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, GridBlock)
        self._block = block

    def check(self) -> None:
        for package in ("torch", "open_clip"):
            if find_spec(package) is None:
                raise SpecError(
                    f"the package {package!r} is not installed",
                    where="grid",
                    hint="install reelmill-stages[embed], or use an image that includes it",
                )
        container(self._block.container)

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        from reelmill_stages.stages.grid.codebook import read_codebook
        from reelmill_stages.stages.grid.tower import architecture, check_weights

        block = self._block
        check_weights(self.config or architecture(block.model), read(block.weights), block.weights.uri)
        if block.labels:
            read_codebook(read(block.labels), block.joint, block.labels.uri)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def _process_input(self, given: Input, work: Work) -> Result:
        item = given.item
        if item.media is None:
            return Failed(ItemReason.NO_MEDIA, f"{item.key} has no image")
        number = item.fields.get("image_id")
        if type(number) is not int or number < 0:
            return Failed(ItemReason.BAD_ID, f"{item.key} has no integer image_id: read it from an images source")
        try:
            found = pixels(work.fetch(item.media), self._block.fit, self._block.input)
        except ItemError as error:
            return Failed(failed(error).reason, f"{item.key}: {error.what}")
        path = work.scratch / f"{given.number:09d}.rgb"
        found.tofile(path)
        return Done(payload=(File(path.name, path),))

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled | Refused]:
        extractor = self._extractor(shard)
        part: GridPart | None = None
        try:
            for number, found in self._part_batches(kept, shard):
                if isinstance(found, Refused):
                    yield found
                    continue
                if part and part.number != number:
                    full, part = part, None
                    yield from full.finish(extractor.device)
                part = part or GridPart(self._block, shard, number, extractor.attributes)
                features, labels = extractor.run([image for _, image in found])
                yield from part.add([one for one, _ in found], features, labels)
            if part:
                full, part = part, None
                yield from full.finish(extractor.device)
        finally:
            if part:
                part.discard()

    def _extractor(self, shard: Shard) -> "Extractor":
        from reelmill_stages.stages.grid.extract import Extractor

        weights, codebook = (
            shard.read(ref.uri, ref.digest or "") if ref else None for ref in (self._block.weights, self._block.labels)
        )
        assert weights is not None
        return Extractor(self._block, weights, codebook, config=self.config)

    def _part_batches(self, kept: Iterable[Kept], shard: Shard) -> Iterator[tuple[int, Batch | Refused]]:
        """Yield (number of the part, batch) pairs.

        Pixels are read immediately, because payload may be deleted when the previous part is collected.
        """
        side, ids = self._block.input, set[int]()
        current, batch = 0, Batch()
        for one in kept:
            number = (one.input.number - shard.first_number) // self._block.images_per_file
            image_id = one.input.item.fields["image_id"]
            if image_id in ids:
                again = Refused(
                    one.input.number, ItemReason.DUPLICATE_ID, f"another image of this shard is {image_id} too"
                )
                yield number, again
                continue
            ids.add(image_id)
            if batch and (number != current or len(batch) == self._block.batch_size):
                yield current, batch
                batch = Batch()
            current = number
            image = np.fromfile(one.done.payload[0].path, np.uint8).reshape(side, side, 3)
            batch.append((one, image))
        if batch:
            yield current, batch

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        yield from merged_files(self._block, data)

    def forecast(self, items: int, weight: Weight) -> int | None:
        rows, width = self._block.shape
        image = rows * width * np.dtype(self._block.dtype).itemsize
        if self._block.labels:
            image += self._block.side**2 * np.dtype(np.int64).itemsize
        return items * image * (2 if self._block.merge == "physical" else 1)
