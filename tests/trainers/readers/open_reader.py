"""Reads keys of a folder of `write`, and waits for a line after the first one: `open_reader.py FOLDER FORMAT`.

It prints `waiting`, and in the end the keys as JSON.
"""

import json
import sys


def parquet(folder):
    from datasets import load_dataset

    return (row["key"] for row in load_dataset(folder, split="train", streaming=True).decode(False))


def mds(folder):
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    return (row["key"] for row in StreamingDataset(local=folder, shuffle=False, batch_size=1))


def lance(folder):
    from lance import dataset

    batches = dataset(folder).scanner(columns=["key"], batch_size=1).to_batches()
    return (key for batch in batches for key in batch["key"].to_pylist())


def main():
    keys = {"parquet": parquet, "mds": mds, "lance": lance}[sys.argv[2]](sys.argv[1])
    found = [next(keys)]
    print("waiting", flush=True)
    sys.stdin.readline()
    print(json.dumps(found + list(keys)))


if __name__ == "__main__":
    main()
