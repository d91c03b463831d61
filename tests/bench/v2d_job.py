"""Run the chain with video2dataset, in its environment: `v2d_job.py TABLE FOLDER`.

It needs two passes, because its download stage cannot sample frames: clips (`precision: low`, packets copied from key
frame to key frame), then `subset`: 160 lines high at 1 fps. One process does both, so it starts once.
"""

import json
import sys
from pathlib import Path

from video2dataset import video2dataset

STORAGE = {"number_sample_per_shard": 1, "oom_shard_count": 5, "captions_are_subtitles": False}
WORKERS = {"processes_count": 2, "thread_count": 2, "subjob_size": 1000, "distributor": "multiprocessing"}
SITE = {"download_size": 360, "download_audio_rate": 44100, "yt_metadata_args": None}
CUT = {"min_length": 0.0, "max_length": 999.0, "max_length_strategy": "all", "precision": "low"}
SCALE = {"height": 160, "resize_mode": ["scale"]}


def main(table: str, folder: Path) -> None:
    """Run both passes, which write `clips` and `frames` to `folder`."""
    videos = len(json.loads(Path(table).read_text()))
    video2dataset(
        url_list=table, input_format="json", url_col="url", caption_col="caption", clip_col="clips",
        output_folder=str(folder / "clips"), output_format="webdataset", encode_formats={"video": "mp4"},
        stage="download", config={
            "subsampling": {"ClippingSubsampler": {"args": CUT}},
            "reading": {"yt_args": SITE, "timeout": 60, "sampler": None},
            "storage": STORAGE, "distribution": WORKERS,
        },
    )  # fmt: skip
    video2dataset(
        url_list=f"{folder}/clips/{{00000..{videos - 1:05d}}}.tar", input_format="webdataset",
        output_folder=str(folder / "frames"), output_format="webdataset", encode_formats={"video": "mp4"},
        stage="subset", config={
            "subsampling": {
                "FrameSubsampler": {"args": {"frame_rate": 1}},
                "ResolutionSubsampler": {"args": SCALE},
            },
            "reading": {"yt_args": None, "timeout": 60, "sampler": None},
            "storage": {**STORAGE, "number_sample_per_shard": 100}, "distribution": WORKERS,
        },
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
