"""Run data-juicer's video filters on one file, in the environment of data-juicer: see `juicer`.

`juicer_job.py VIDEO SIDE` computes duration, size, aspect ratio and motion (OpenCV's Farneback at 2 fps, the shorter
side reduced to SIDE), each with the operator's statistics. It prints the total CPU seconds, without imports, and the
results.
"""

import json
import sys
import time

import cv2
from data_juicer.ops.filter.video_aspect_ratio_filter import VideoAspectRatioFilter
from data_juicer.ops.filter.video_duration_filter import VideoDurationFilter
from data_juicer.ops.filter.video_motion_score_filter import VideoMotionScoreFilter
from data_juicer.ops.filter.video_resolution_filter import VideoResolutionFilter
from data_juicer.utils.constant import Fields


def main(video, side):
    cv2.setNumThreads(1)
    sample = {"videos": [video], Fields.stats: {}, Fields.meta: {}, Fields.context: {}}
    operators = (
        VideoDurationFilter(video_backend="av"),
        VideoResolutionFilter(video_backend="av"),
        VideoAspectRatioFilter(video_backend="av"),
        VideoMotionScoreFilter(size=side, sampling_fps=2),
    )
    began, wall = time.process_time(), time.perf_counter()
    for operator in operators:
        operator.compute_stats_single(sample)
    spent = {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall}
    found = {name: float(values[0]) for name, values in sample[Fields.stats].items() if len(values)}
    print(json.dumps({**spent, "found": found}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
