"""Opens a folder of `write: {format: parquet}` with Hugging Face datasets: `parquet_reader.py FOLDER MODE`.

MODE is `download`, `streaming`, `shuffled` (streaming, with a buffer, divided among two workers), or `resumed`
(streaming, by two processes: the first one is killed in the middle).
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import datasets
from datasets.distributed import split_dataset_by_node


def plain(value):
    """Bytes as their digest, media undecoded."""
    if isinstance(value, dict) and set(value) == {"bytes", "path"}:
        value = value["bytes"]
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value


def rows(data):
    return [{name: plain(value) for name, value in row.items()} for row in data]


def opened(folder, mode, cache):
    data = datasets.load_dataset(folder, streaming=mode != "download", cache_dir=cache)["train"]
    kinds = {name: type(feature).__name__ for name, feature in data.features.items()}
    for name, kind in kinds.items():
        if kind in ("Video", "Image"):
            data = data.cast_column(name, type(data.features[name])(decode=False))
    return kinds, data


def killed(data, state: Path):
    """Read rows one by one, keep the state after each, and die after the third."""
    for number, row in enumerate(data, 1):
        seen = json.loads(state.read_text())["rows"] if state.exists() else []
        state.write_text(json.dumps({"rows": seen + rows([row]), "state": data.state_dict()}))
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    folder, mode = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as cache:
        kinds, data = opened(folder, mode, cache)
        if mode == "killed":
            killed(data, Path(sys.argv[3]))
        if mode == "shuffled":
            halves = [split_dataset_by_node(data, rank=rank, world_size=2) for rank in range(2)]
            found = [rows(half.shuffle(seed=7, buffer_size=4)) for half in halves]
        elif mode == "resumed":
            state = Path(cache) / "state.json"
            subprocess.run([sys.executable, __file__, folder, "killed", state])
            kept = json.loads(state.read_text())
            data.load_state_dict(kept["state"])
            found = [kept["rows"], rows(data)]
        else:
            found = [rows(data)]
        print(json.dumps({"kinds": kinds, "rows": found}))


if __name__ == "__main__":
    main()
