"""Unpickles CLIP4MC samples under the numpy of its trainer: `clip4mc_reader.py FOLDER`."""

import json
import pickle
import sys
from pathlib import Path

import numpy


def main() -> None:
    rows = []
    for path in sorted(Path(sys.argv[1]).rglob("video_input.pkl")):
        video = pickle.loads(path.read_bytes())
        text = pickle.loads((path.parent / "text_input.pkl").read_bytes())
        rows.append(
            {
                "video": [str(video.dtype), list(video.shape), int(video.sum())],
                "tokens": [str(text["tokens"].dtype), list(text["tokens"].shape)],
            }
        )
    print(json.dumps({"numpy": numpy.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
