"""Opens a folder of `write: {format: mds}` with MosaicML streaming: `mds_reader.py FOLDER MODE`.

MODE is `whole` (in order), `shuffled` (by a torch loader with two workers), `resumed` (shuffled, by two processes: the
first one is killed in mid-epoch), or `rewritten` (each shard is made again by the library's own writer).
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from streaming import MDSWriter, StreamingDataLoader, StreamingDataset
from streaming.base.util import clean_stale_shared_memory


def plain(sample):
    """Bytes as their digest, arrays as lists."""
    return {name: _plain(value) for name, value in sample.items()}


def _plain(value):
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return value.tolist() if hasattr(value, "tolist") else value


def opened(folder, *, shuffle):
    return StreamingDataset(
        local=folder, shuffle=shuffle, shuffle_seed=7, batch_size=1, num_canonical_nodes=1, validate_hash="sha256"
    )


def loader(data, workers=2):
    """The loader counts the samples of a batch for its state by the length of its first value."""
    return StreamingDataLoader(data, batch_size=1, num_workers=workers, collate_fn=listed)


def listed(batch):
    return {name: [sample[name] for sample in batch] for name in batch[0]}


def samples(source):
    return ({name: values[0] for name, values in batch.items()} for batch in source)


def killed(folder, state: Path):
    """Read a shuffled epoch, keep samples and the state after each, and die after the third."""
    source, seen = loader(opened(folder, shuffle=True), workers=1), []
    for number, sample in enumerate(samples(source), 1):
        seen.append(plain(sample))
        state.write_text(json.dumps({"rows": seen, "state": source.state_dict()}))
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)


def resumed(folder):
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "state.json"
        subprocess.run([sys.executable, __file__, folder, "killed", state])
        kept = json.loads(state.read_text())
    clean_stale_shared_memory()
    source = loader(opened(folder, shuffle=True), workers=1)
    source.load_state_dict(kept["state"])
    return [kept["rows"], [plain(sample) for sample in samples(source)]]


def rewritten(folder):
    """Whether the library's writer makes the same shards of the same samples."""
    index = json.loads((Path(folder) / "index.json").read_text())
    data = opened(folder, shuffle=False)
    same, first = [], 0
    for shard in index["shards"]:
        columns = dict(zip(shard["column_names"], shard["column_encodings"], strict=True))
        with tempfile.TemporaryDirectory() as scratch:
            out = f"{scratch}/out"
            with MDSWriter(out=out, columns=columns, hashes=shard["hashes"], size_limit=shard["size_limit"]) as writer:
                for place in range(first, first + shard["samples"]):
                    writer.write(data[place])
            first += shard["samples"]
            (ours, theirs) = (
                {**entry, "raw_data": {**entry["raw_data"], "basename": ""}}
                for entry in (shard, json.loads(Path(out, "index.json").read_text())["shards"][0])
            )
            content = (Path(folder) / shard["raw_data"]["basename"]).read_bytes()
            same.append(ours == theirs and Path(out, "shard.00000.mds").read_bytes() == content)
    return same


def main() -> None:
    folder, mode = sys.argv[1:3]
    clean_stale_shared_memory()
    if mode == "killed":
        killed(folder, Path(sys.argv[3]))
    elif mode == "resumed":
        print(json.dumps(resumed(folder)))
    elif mode == "rewritten":
        print(json.dumps(rewritten(folder)))
    elif mode == "shuffled":
        print(json.dumps([plain(sample) for sample in samples(loader(opened(folder, shuffle=True)))]))
    else:
        data = opened(folder, shuffle=False)
        print(json.dumps([plain(data[place]) for place in range(len(data))]))


if __name__ == "__main__":
    main()
