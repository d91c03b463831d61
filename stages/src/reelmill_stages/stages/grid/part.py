"""A file of features that is being written, and the file of classes, if enabled."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.models.device import Device
from reelmill_stages.stage import Assembled, File, Kept, NewItem, Refused, Shard
from reelmill_stages.stages.grid.containers import SUFFIXES, Array, ContainerWriter, container
from reelmill_stages.stages.grid.keys import GRIDS, LABELS, key
from reelmill_stages.stages.grid.provenance import Attributes, counted


class GridPart:
    """A part with a fixed range of inputs, so its content does not depend on the division into shards."""

    def __init__(self, block: GridBlock, shard: Shard, number: int, attributes: Attributes) -> None:
        self.number = number
        self._attributes = attributes
        suffix = SUFFIXES[block.container]
        first = shard.first_number + number * block.images_per_file
        self._names = {kind: f"{word}-{first:09d}{suffix}" for kind, word in ((GRIDS, "features"), (LABELS, "labels"))}
        self._paths = {kind: shard.scratch / name for kind, name in self._names.items()}
        self._container = container(block.container)
        self._level = block.compression
        self._writers: dict[str, ContainerWriter] = {}
        self._items: list[NewItem] = []
        self._splits: Counter[str] = Counter()
        self._last = 0

    def add(self, kept: Sequence[Kept], features: Sequence[Array], labels: Sequence[Array]) -> Iterator[Refused]:
        """Write a batch. Images with features that are not finite are refused."""
        good = []
        for place, (one, array) in enumerate(zip(kept, features, strict=True)):
            self._last = one.input.number
            if np.isfinite(array).all():
                good.append(place)
            else:
                yield Refused(
                    one.input.number, ItemReason.NOT_FINITE, f"the features contain NaN or infinity as {array.dtype}"
                )
        if not good:
            return
        self._write(GRIDS, [(key(_image_id(kept[place]), GRIDS), features[place]) for place in good])
        if labels:
            self._write(LABELS, [(key(_image_id(kept[place]), LABELS), labels[place]) for place in good])
        for place in good:
            one = kept[place]
            self._splits[str(one.input.item.fields.get("split", ""))] += 1
            self._items.append(self._grid_item(one, features[place], bool(labels)))

    def finish(self, device: Device) -> Iterator[Assembled]:
        """Close the files; yields nothing if all images were refused."""
        if not self._items:
            return
        own = counted(self._attributes, self._splits)
        writers, self._writers = self._writers, {}
        for writer in writers.values():
            writer.close(own)
        if LABELS in writers:
            yield Assembled(File(self._names[LABELS], self._paths[LABELS]), through=self._last)
        counters = device.fallback.counters(len(self._items)) if device.fallback else {}
        file = File(self._names[GRIDS], self._paths[GRIDS])
        yield Assembled(file, tuple(self._items), through=self._last, counters=counters)

    def discard(self) -> None:
        """Close the unfinished files."""
        for writer in self._writers.values():
            writer.discard()

    def _write(self, kind: str, arrays: Sequence[tuple[str, Array]]) -> None:
        if kind not in self._writers:
            self._writers[kind] = self._container.write(self._paths[kind], self._level)
        self._writers[kind].add(arrays)

    def _grid_item(self, one: Kept, array: Array, labelled: bool) -> NewItem:
        item = one.input.item
        fields: dict[str, Any] = {name: item.fields[name] for name in ("image_id", "split") if name in item.fields}
        if labelled:
            fields["labels"] = self._names[LABELS]
        provenance = {"source": item.media.to_json()} if item.media else {}
        return NewItem(
            item.key,
            item.group,
            float(array.nbytes),
            self._names[GRIDS],
            fields=fields,
            provenance=provenance,
            inputs=(one.input.number,),
        )


def _image_id(one: Kept) -> int:
    found: int = one.input.item.fields["image_id"]
    return found
