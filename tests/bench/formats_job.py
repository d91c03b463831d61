"""Read the frames of a folder in a library's format, in the environment of that library: see `formats`.

`formats_job.py FORMAT OURS THEIRS ROUNDS VIDEO…` writes THEIRS from the videos with the library, then reads both
folders alternately with a torch loader. It prints the frames of each, and the seconds and CPU seconds of every round.
"""

import io
import json
import os
import sys
import time
from pathlib import Path

import av
import numpy
import torch
from torch.utils.data import DataLoader

FPS = 30
CAMERA = "observation.images.video"
SAMPLES = """\
sample_type:
  __module__: megatron.energon
  __class__: VidQASample
field_map:
  video: mp4
  context: json[txt]
"""


def frames(data):
    """Number of frames of a video, each of which became a tensor."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        pictures = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
    return len(pictures)


class Parquet:
    """Hugging Face datasets, streaming."""

    def write(self, paths, folder):
        from datasets import Dataset, Features, Value, Video

        features = Features({"key": Value("string"), "video": Video(decode=False)})
        videos = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
        folder.mkdir()
        rows = Dataset.from_dict({"key": [path.name for path in paths], "video": videos}, features=features)
        rows.to_parquet(folder / "train.parquet")

    def read(self, folder):
        from datasets import load_dataset

        files = sorted(map(str, Path(folder).rglob("*.parquet")))
        data = load_dataset("parquet", data_files={"train": files}, split="train", streaming=True)
        columns = data.decode(False) if hasattr(data, "decode") else data
        return sum(frames(row["video"]["bytes"]) for row in DataLoader(columns, batch_size=None))


class Mds:
    """MosaicML streaming."""

    def write(self, paths, folder):
        from streaming import MDSWriter

        with MDSWriter(out=str(folder), columns={"key": "str", "video": "bytes"}) as writer:
            for path in paths:
                writer.write({"key": path.name, "video": path.read_bytes()})

    def read(self, folder):
        from streaming import StreamingDataset
        from streaming.base.util import clean_stale_shared_memory

        clean_stale_shared_memory()
        data = StreamingDataset(local=str(folder), shuffle=False, batch_size=1)
        return sum(frames(row["video"]) for row in DataLoader(data, batch_size=None))


class Lance:
    """pylance, with videos as blobs, by its torch loader."""

    def write(self, paths, folder):
        import lance
        import pyarrow
        from lance.blob import blob_array, blob_field

        schema = pyarrow.schema([("key", pyarrow.string()), blob_field("video")])
        columns = [pyarrow.array([path.name for path in paths]), blob_array([path.read_bytes() for path in paths])]
        table = pyarrow.table(columns, schema=schema)
        lance.write_dataset(table, str(folder), data_storage_version="2.2")

    def read(self, folder):
        import lance
        from lance.torch.data import LanceDataset

        blobs = lance.dataset(str(folder))

        def counted(batch, **_):
            rows = batch["_rowid"].to_pylist()
            return [frames(blob.readall()) for blob in blobs.take_blobs("video", ids=rows)]

        data = LanceDataset(str(folder), batch_size=8, columns=["key"], with_row_id=True, to_tensor_fn=counted)
        return sum(map(sum, DataLoader(data, batch_size=None)))


class Webdataset:
    """Tars."""

    def write(self, paths, folder):
        from webdataset import TarWriter

        folder.mkdir()
        with TarWriter(str(folder / "0.tar")) as tar:
            for number, path in enumerate(paths):
                tar.write({"__key__": f"{number:06d}", "mp4": path.read_bytes(), "json": {"txt": path.name}})

    def read(self, folder):
        from webdataset import WebDataset

        tars = sorted(map(str, Path(folder).rglob("*.tar")))
        data = WebDataset(tars, shardshuffle=False)
        return sum(frames(row["mp4"]) for row in DataLoader(data, batch_size=None))


class Energon:
    """Megatron Energon: samples with a video and a text, by its savable loader."""

    def write(self, paths, folder):
        from megatron.energon.flavors.webdataset.prepare import WebdatasetPreparator

        Webdataset().write(paths, folder)
        WebdatasetPreparator.prepare_dataset(
            str(folder), ["0.tar"], split_parts_ratio=[("train", 1.0)], shuffle_seed=None, workers=1
        )
        (folder / ".nv-meta" / "dataset.yaml").write_text(SAMPLES)

    def read(self, folder):
        from megatron.energon import DefaultTaskEncoder, WorkerConfig, get_savable_loader, get_train_dataset

        class Plain(DefaultTaskEncoder):
            def batch(self, samples):
                return samples

        data = get_train_dataset(
            Path(folder),
            worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0),
            batch_size=1,
            shuffle_buffer_size=None,
            max_samples_per_sequence=None,
            task_encoder=Plain(),
            repeat=False,
        )
        return sum(frames(sample.video.stream.getvalue()) for batch in get_savable_loader(data) for sample in batch)


class Lerobot:
    """LeRobot, frame by frame; its own recorder encodes pictures."""

    def write(self, paths, folder):
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        with av.open(str(paths[0])) as container:
            stream = container.streams.video[0]
            shape = (stream.height, stream.width, 3)
        features = {CAMERA: {"dtype": "video", "shape": shape, "names": ["height", "width", "channels"]}}
        made = LeRobotDataset.create("local/set", FPS, features, root=folder, use_videos=True, vcodec="h264")
        for path in paths:
            with av.open(str(path)) as container:
                for frame in container.decode(video=0):
                    made.add_frame({CAMERA: numpy.array(frame.to_ndarray(format="rgb24")), "task": path.name})
            made.save_episode()
        made.finalize()

    def read(self, folder):
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        data = LeRobotDataset("local/set", root=folder)
        return sum(frame[CAMERA].ndim == 3 for frame in DataLoader(data, batch_size=None))


FORMATS = {
    "parquet": Parquet,
    "mds": Mds,
    "lance": Lance,
    "lerobot": Lerobot,
    "webdataset": Webdataset,
    "energon": Energon,
}


def measured(format_, folder):
    """(seconds, CPU seconds, frames) of one pass over a folder."""
    began, before = time.perf_counter(), os.times()
    count = format_.read(folder)
    spent = os.times()
    return time.perf_counter() - began, spent.user + spent.system - before.user - before.system, count


def main():
    name, ours, theirs, rounds, *paths = sys.argv[1:]
    torch.set_num_threads(1)
    format_ = FORMATS[name]()
    format_.write([Path(path) for path in paths], Path(theirs))
    found = {"ours": [], "peer": []}
    for folder in (ours, theirs):
        format_.read(folder)
    for turn in range(int(rounds)):
        sides = [("ours", ours), ("peer", theirs)]
        for side, folder in sides[:: -1 if turn % 2 else 1]:
            found[side].append(measured(format_, folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
