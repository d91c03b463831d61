"""Opens a packed folder in Megatron Energon, untouched, and says what came: `energon_reader.py FOLDER crude|typed`.

Runs in Energon's own environment. Also makes Energon's own index of each tar, from copies elsewhere, to compare bytes.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    Sample,
    WorkerConfig,
    basic_sample_keys,
    edataclass,
    get_savable_loader,
    get_train_dataset,
    stateless,
)
from megatron.energon.flavors.webdataset.prepare import WebdatasetPreparator


@edataclass
class Parts(Sample):
    """All parts of a sample, as they come."""

    parts: dict


@stateless
def cook(sample: dict) -> Parts:
    parts = {name: value for name, value in sample.items() if not name.startswith("_")}
    return Parts(**basic_sample_keys(sample), parts=parts)


class Crude(DefaultTaskEncoder):
    cookers = [Cooker(cook)]
    decoder = None

    def batch(self, samples):
        return samples


class Typed(DefaultTaskEncoder):
    def batch(self, samples):
        return samples


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def seen(sample) -> dict:
    key = sample.__key__.rpartition("/")[2]
    if hasattr(sample, "parts"):
        return {"key": key, "parts": {name: digest(data) for name, data in sorted(sample.parts.items())}}
    stream = sample.video.stream
    stream.seek(0)
    return {"key": key, "context": sample.context, "video": digest(stream.read())}


def own_index(folder: Path) -> dict[str, str]:
    """Digest of the index that Energon itself makes of each tar."""
    tars = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.tar"))
    with tempfile.TemporaryDirectory() as name:
        for tar in tars:
            (Path(name) / tar).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / tar, Path(name) / tar)
        WebdatasetPreparator.prepare_dataset(
            name, tars, split_parts_ratio=[("train", 1.0)], shuffle_seed=None, workers=1
        )
        return {tar: digest((Path(name) / f"{tar}.idx").read_bytes()) for tar in tars}


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    config = WorkerConfig(rank=0, world_size=1, num_workers=0)
    data = get_train_dataset(
        folder,
        worker_config=config,
        batch_size=1,
        shuffle_buffer_size=None,
        max_samples_per_sequence=None,
        task_encoder=Crude() if kind == "crude" else Typed(),
        repeat=False,
    )
    samples = [seen(sample) for batch in get_savable_loader(data) for sample in batch]
    print(json.dumps({"samples": samples, "index": own_index(folder)}))


if __name__ == "__main__":
    main()
