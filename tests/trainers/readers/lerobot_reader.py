"""Opens a folder of `write: {format: lerobot}` with the lerobot package: `lerobot_reader.py FOLDER MODE`.

MODE is `whole` (every frame in order), `shuffled` (by a torch loader with two workers), or a JSON list of videos, whose
frames are decoded by the same decoder (torchcodec) for comparison.
"""

import hashlib
import json
import sys

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from torchcodec.decoders import VideoDecoder


def digest(picture):
    """Of a picture (3, height, width), as bytes or from 0 to 1."""
    if picture.dtype != torch.uint8:
        picture = (picture * 255).round().to(torch.uint8)
    return hashlib.sha256(picture.contiguous().numpy().tobytes()).hexdigest()


def frame(sample):
    cameras = {name.rpartition(".")[2]: digest(value) for name, value in sample.items() if "images" in name}
    places = [int(sample[name]) for name in ("index", "episode_index", "frame_index")]
    return {"places": places, "time": float(sample["timestamp"]), "task": sample["task"], "cameras": cameras}


def main() -> None:
    folder, mode = sys.argv[1:]
    if mode.startswith("["):
        found = [[digest(picture) for picture in VideoDecoder(path)] for path in json.loads(mode)]
    else:
        data = LeRobotDataset("local/set", root=folder)
        if mode == "shuffled":
            loader = torch.utils.data.DataLoader(data, batch_size=None, shuffle=True, num_workers=2)
            found = [frame(sample) for sample in loader]
        else:
            found = [frame(data[place]) for place in range(len(data))]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
