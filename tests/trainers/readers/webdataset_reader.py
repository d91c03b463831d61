"""Opens tars with webdataset, shuffled, by two workers of a torch loader: `webdataset_reader.py FOLDER`.

Prints key and digest of the video of each sample, in the order in which they came.
"""

import hashlib
import json
import sys
from pathlib import Path

import webdataset
from torch.utils.data import DataLoader


def seen(sample: dict) -> list[str]:
    return [sample["__key__"], hashlib.sha256(sample["mp4"]).hexdigest()]


if __name__ == "__main__":
    tars = sorted(str(path) for path in Path(sys.argv[1]).rglob("*.tar"))
    data = webdataset.WebDataset(tars, shardshuffle=len(tars), seed=7).shuffle(4, seed=7).map(seen)
    print(json.dumps(list(DataLoader(data, batch_size=None, num_workers=2))))
