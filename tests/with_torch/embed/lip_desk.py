"""Everything that the stage is lent, of plain files: crops in, embeddings out, without a store."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.stage import Assembled, Done, Input, Kept, Refused, Result, Shard
from reelmill_stages.stages.embed.stage import EmbedStage
from with_torch.embed.lip_reference import Reference, reference
from worker_desk import Desk


def save_weights(path: Path, model: Reference | None = None, **more: Any) -> Path:
    """A checkpoint as the lip-reading project keeps it: the state dict beside other things, keys of words in it."""
    state = dict((model or reference()).state_dict())
    state["tcn.mb_ms_tcn.weight"] = torch.zeros(3)
    torch.save({"epoch_idx": 79, "model_state_dict": {**state, **more}}, path)
    return path


def given(paths: Sequence[Path]) -> list[Input]:
    items = [
        Item(path.name, at, str(path), 1.0, Media(str(path), path.stat().st_size)) for at, path in enumerate(paths)
    ]
    return [Input(item, number) for number, item in enumerate(items)]


def block(weights: Path, **params: Any) -> EmbedBlock:
    return EmbedBlock.model_validate({"weights": {"uri": str(weights)}, **params})


def embedded(block: EmbedBlock, inputs: Sequence[Input], folder: Path) -> list[Assembled | Refused]:
    """Every input through `process`, then the shard through `assemble`."""
    stage = EmbedStage(block)
    results: list[tuple[Input, Result]] = [
        (one, *stage.process([one], Desk(folder / f"work-{one.number}"))) for one in inputs
    ]

    def kept() -> Iterator[Kept]:
        for one, result in results:
            if isinstance(result, Done):
                yield Kept(one, result)

    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    shard = Shard(0, 1, 0, len(inputs), 1, out, lambda uri, digest="": Path(uri))
    return list(stage.assemble(kept(), shard))


def features(made: Sequence[Assembled | Refused]) -> Mapping[str, np.ndarray[Any, Any]]:
    """Item key -> what its file holds."""
    found = {}
    for one in made:
        assert isinstance(one, Assembled), one
        with np.load(one.file.path) as archive:
            assert archive.files == ["embedding"]
            found[one.items[0].key] = archive["embedding"]
    return found


def wanted(path: Path, model: Reference | None = None) -> np.ndarray[Any, Any]:
    """The whole clip through the reference, prepared as the original does."""
    with np.load(path) as archive:
        crops = archive["data"]
    frames = ((crops.astype(np.float64) / 255.0)[:, 4:92, 4:92] - 0.421) / 0.165
    with torch.inference_mode():
        return (model or reference())(torch.from_numpy(frames).float()[None, None])[0].numpy()
