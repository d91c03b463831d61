"""Opens a folder of `write: {format: lance}` with pylance: `lance_reader.py FOLDER MODE`.

MODE is `whole` (in order, by blobs), `torch` (its torch loader, by two workers, each of which gets some of the
fragments), `random` (rows by number, in any order), or `facts` (schema, version, fragments).
"""

import hashlib
import json
import random
import sys

import lance
import torch
from lance.torch.data import LanceDataset, get_safe_loader


def rows(data, numbers):
    names = [field.name for field in data.schema if "blob" not in str(field.type)]
    blobs = [field.name for field in data.schema if "blob" in str(field.type)]
    found = data.take(numbers, columns=names).to_pylist()
    for name in blobs:
        for row, blob in zip(found, data.take_blobs(name, indices=numbers), strict=True):
            row[name] = hashlib.sha256(blob.readall()).hexdigest()
    return found


def with_videos(batch, **_):
    """What the loader makes of a batch: rows with the digest of their video, which is read by the number of the row."""
    rows = batch.to_pylist()
    blobs = lance.dataset(sys.argv[1]).take_blobs("video", ids=[row["_rowid"] for row in rows])
    return [[row["key"], hashlib.sha256(blob.readall()).hexdigest()] for row, blob in zip(rows, blobs, strict=True)]


def by_torch(folder):
    data = LanceDataset(
        folder,
        batch_size=2,
        columns=["key"],
        with_row_id=True,
        shard_granularity="fragment",
        to_tensor_fn=with_videos,
    )
    workers = get_safe_loader(data, num_workers=2, batch_size=None)
    return [row for batch in workers for row in batch]


def main() -> None:
    folder, mode = sys.argv[1:]
    data = lance.dataset(folder)
    numbers = list(range(data.count_rows()))
    if mode == "torch":
        found = by_torch(folder)
    elif mode == "random":
        random.Random(7).shuffle(numbers)
        found = [numbers, rows(data, numbers)]
    elif mode == "facts":
        found = {"version": data.version, "fragments": len(data.get_fragments()), "types": str(data.schema)}
    else:
        found = rows(data, numbers)
    print(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
