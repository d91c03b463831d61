"""The process of one part: `python -m prove_gpu.one_part NAME FOLDER [DEVICE]` prints its cases as lines of JSON."""

import json
import sys
from pathlib import Path

from prove_gpu.parts import PARTS


def main(name: str, folder: str, device: str = "gpu") -> None:
    """Run the part."""
    (part,) = (one for one in PARTS if one.name == name)
    for case in part.load()(Path(folder), device):
        print(json.dumps(case.to_json()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
