"""Opens folders of `write: {format: lerobot}` with the lerobot package: `lerobot_reader.py REQUESTS`.

REQUESTS is a JSON object of name -> [mode, argument]: `whole` (every frame of a folder in order), `shuffled` (by a
torch loader with two workers), `of_frames` (features of frames), `stats` (by how much the statistics of the folder
differ from those that the package computes from its frames), or `videos` (the frames of a list of videos by the same
decoder, torchcodec, for comparison).
All in one process: the package takes seconds to import.
"""

import hashlib
import json
import sys

import numpy
import torch
from lerobot.datasets.compute_stats import aggregate_stats, get_feature_stats
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


def whole(folder):
    data = LeRobotDataset("local/set", root=folder)
    return [frame(data[place]) for place in range(len(data))]


def shuffled(folder):
    data = LeRobotDataset("local/set", root=folder)
    loader = torch.utils.data.DataLoader(data, batch_size=None, shuffle=True, num_workers=2)
    return [frame(sample) for sample in loader]


def of_frames(folder):
    """Shape and values of the features of frames that are neither pictures nor places."""
    data = LeRobotDataset("local/set", root=folder)
    names = [name for name, told in data.meta.features.items() if told["dtype"] == "float32" and name != "timestamp"]
    shapes = {name: data.meta.features[name]["shape"] for name in names}
    return [shapes, [{name: data[place][name].tolist() for name in names} for place in range(len(data))]]


def stats(folder):
    """Feature -> statistic -> largest difference of its values in `meta/stats.json`."""
    data = LeRobotDataset("local/set", root=folder)
    found = data.meta.stats
    episodes = []
    for episode in data.meta.episodes:
        frames = [data[place] for place in range(episode["dataset_from_index"], episode["dataset_to_index"])]
        episodes.append({name: stats_of(name, feature, frames) for name, feature in data.meta.features.items()})
    wanted = aggregate_stats(episodes)
    assert wanted.keys() == found.keys()
    return {
        name: {one: float(abs(found[name][one] - wanted[name][one]).max()) for one in wanted[name]} for name in wanted
    }


def stats_of(name, feature, frames):
    """Of one feature of an episode, as `compute_episode_stats` of the package computes them from files."""
    if feature["dtype"] != "video":
        values = numpy.stack([one[name].numpy() for one in frames]).astype(numpy.float64)
        return get_feature_stats(values, axis=0, keepdims=values.ndim == 1)
    # As floats: of bytes, version 0.4.4 computes squares in eight bits.
    pictures = numpy.stack([(one[name] * 255).round().numpy() for one in frames]).astype(numpy.float64)
    found = get_feature_stats(pictures, axis=(0, 2, 3), keepdims=True)
    return {one: value if one == "count" else numpy.squeeze(value / 255.0, axis=0) for one, value in found.items()}


def videos(paths):
    return [[digest(picture) for picture in VideoDecoder(path)] for path in paths]


MODES = {"whole": whole, "shuffled": shuffled, "stats": stats, "of_frames": of_frames, "videos": videos}

if __name__ == "__main__":
    print(json.dumps({name: MODES[mode](argument) for name, (mode, argument) in json.loads(sys.argv[1]).items()}))
