"""Opens a packed folder in Megatron Energon, untouched, and says what came: `energon_reader.py FOLDER MODE`.

MODE is `crude`, `typed`, `shuffled` (by two workers, with a buffer), or `resumed` (shuffled, by two processes: the
first one is killed in the middle). Runs in Energon's own environment. Also makes Energon's own index of each tar, from
copies elsewhere, to compare bytes.
"""

import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
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


def loader(folder: Path, mode: str):
    is_shuffled = mode not in ("crude", "typed")
    data = get_train_dataset(
        folder,
        worker_config=WorkerConfig(rank=0, world_size=1, num_workers=2 if mode == "shuffled" else 0),
        batch_size=1,
        shuffle_buffer_size=4 if is_shuffled else None,
        max_samples_per_sequence=2 if is_shuffled else None,
        task_encoder=Crude() if mode == "crude" else Typed(),
        repeat=False,
    )
    return get_savable_loader(data)


def killed(folder: Path, state: Path) -> None:
    """Read samples one by one, keep the state after each, and die after the third."""
    source, before = loader(folder, "killed"), []
    for number, batch in enumerate(source, 1):
        before += [seen(sample) for sample in batch]
        state.write_bytes(pickle.dumps((before, source.save_state_rank())))
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)


def resumed(folder: Path) -> list[list[dict]]:
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "state"
        subprocess.run([sys.executable, __file__, folder, "killed", state])
        before, place = pickle.loads(state.read_bytes())
    source = loader(folder, "resumed")
    source.restore_state_rank(place)
    return [before, [seen(sample) for batch in source for sample in batch]]


def main() -> None:
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    if mode == "killed":
        killed(folder, Path(sys.argv[3]))
    if mode == "resumed":
        print(json.dumps(resumed(folder)))
        return
    samples = [seen(sample) for batch in loader(folder, mode) for sample in batch]
    print(json.dumps({"samples": samples, "index": own_index(folder)}))


if __name__ == "__main__":
    main()
