"""The `embed` stage: workers decode and preprocess, the main process runs the model and writes one file per item.

Features do not depend on the other items in a batch. An item with features that are NaN fails.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError, StoreError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.embed import OF_VECTORS, EmbedBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.models.device import Device, choose
from reelmill_stages.models.extra import require
from reelmill_stages.stage import (
    Assembled,
    DataSetReader,
    Done,
    File,
    Input,
    Kept,
    NewItem,
    Refused,
    Result,
    Shard,
    Stage,
    Work,
)
from reelmill_stages.stages.embed.batches import batches
from reelmill_stages.stages.embed.family import Array, Prepared, family
from reelmill_stages.stages.embed.lists import absolute, present_lists
from reelmill_stages.stages.embed.vectors import VectorFiles, check_vectors
from reelmill_stages.store.keys import check_new_key
from reelmill_stages.untrusted.arrays import map_array
from reelmill_stages.weight import Weight

SUFFIX = "_embedding.npz"
_PREPARED = "prepared"
_ROOM = 100
"""Space in bytes for the part of a key before the name of a file."""
_LONGEST_PART = 255
"""Maximum length in bytes of the name of a folder or file."""


class EmbedStage(Stage):
    """Computes embeddings of items."""

    spans = True
    pace = 0.2

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, EmbedBlock)
        self._block = block
        self._family = family(block)

    def check(self) -> None:
        require(*self._family.packages)
        check_vectors(self._block)

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        self._family.check(read)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled | Refused]:
        device = choose(self._block.device)
        model = self._family.model(shard.read, device, precision=self._block.precision)
        difference: float | None = None
        vectors = VectorFiles(self._block, shard)
        for batch in batches(kept, self._block.forward, shard.first_number):
            arrays = [map_array(one.done.payload[0].path) for one in batch]
            features = model(arrays)
            if self._block.precision != "float32" and difference is None:
                exact = self._family.model(shard.read, device, precision="float32")(arrays)
                difference = relative_difference(features, exact)
            for one, found in zip(batch, features, strict=True):
                if np.isfinite(found).all():
                    yield self._assembled_input(one, found, shard.scratch, device, difference)
                    yield from vectors.add(one.input, found)
                else:
                    wrong = int(found.size - np.isfinite(found).sum())
                    yield Refused(
                        one.input.number, ItemReason.NAN_FEATURES, f"{wrong} of {found.size} features are not numbers"
                    )
        yield from vectors.finish()

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        return present_lists(data)

    def localise(self, view: Path, folder: Path) -> None:
        absolute(view, folder)

    def forecast(self, items: int, weight: Weight) -> int | None:
        return self._family.size(items, weight)

    def _process_input(self, given: Input, work: Work) -> Result:
        try:
            prepared = self._family.prepare(given, work)
            _check_name(f"{prepared.name}{SUFFIX}")
        except ItemError as error:
            return failed(error)
        path = work.scratch / f"{given.number}.npy"
        np.save(path, prepared.array)
        return Done(payload=(File(_PREPARED, path),), fields=_payload_fields(prepared))

    def _assembled_input(
        self, one: Kept, features: Array, scratch: Path, device: Device, difference: float | None
    ) -> Assembled:
        item, prepared_fields = one.input.item, one.done.fields
        file = File(f"{prepared_fields['name']}{SUFFIX}", scratch / f"{one.input.number}.npz")
        write_embedding(file.path, features)
        shape = {"shape": list(features.shape)}
        measured = {} if difference is None else {"precision_difference": float(f"{difference:.3g}")}
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=prepared_fields["seconds"] or item.weight,
            media=file.name,
            fields={**item.fields, **prepared_fields["fields"], **shape, **measured},
            provenance=self._provenance(one, device),
            inputs=(one.input.number,),
        )
        return Assembled(
            file,
            (made,),
            through=one.input.number,
            counters=device.fallback.counters() if device.fallback else {},
        )

    def _provenance(self, one: Kept, device: Device) -> dict[str, Any]:
        item = one.input.item
        before: dict[str, Any] = {"from": dict(item.provenance)} if item.provenance else {}
        if own := {name: item.fields[name] for name in OF_VECTORS if name in item.fields}:
            before["fields"] = own
        return {
            "source": item.media.to_json() if item.media else {},
            "params": self._block.canonical(),
            "device": "gpu" if device.is_gpu else "cpu",
            **(device.fallback.to_json() if device.fallback else {}),
            **before,
        }


def write_embedding(path: Path, features: Array) -> None:
    """Write a compressed npz file with the single key `embedding`."""
    np.savez_compressed(path, embedding=features)


def relative_difference(found: Sequence[Array], exact: Sequence[Array]) -> float:
    """Relative difference of features: the norm of the difference divided by the norm of `exact`."""
    apart = sum(float(((one - other) ** 2).sum()) for one, other in zip(found, exact, strict=True))
    whole = sum(float((other**2).sum()) for other in exact)
    return (apart / whole) ** 0.5 if whole else 0.0


def _check_name(name: str) -> None:
    """Raise ItemError with reason `bad_name` for a name that is not valid in every store."""
    try:
        check_new_key(f"{'_' * _ROOM}/{name}")
    except StoreError as error:
        raise ItemError(ItemReason.BAD_NAME, str(error)) from error
    if max(len(part.encode()) for part in name.split("/")) > _LONGEST_PART:
        raise ItemError(ItemReason.BAD_NAME, f"a part of {name[:200]!r} is longer than {_LONGEST_PART} bytes")


def _payload_fields(prepared: Prepared) -> dict[str, Any]:
    return {"name": prepared.name, "seconds": prepared.seconds, "fields": dict(prepared.fields)}
