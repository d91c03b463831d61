"""Decode with one library, in the environment of the peers: `decoders_job.py av|torchcodec|decord`.

Each input line is a JSON array: a video, frame numbers, and a file for their array. Each output line has wall and CPU
seconds, or an error.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 256, 160
Decode = Callable[[str, list[int]], Any]


def by_av() -> Decode:
    import av
    from av.video.reformatter import Interpolation

    scaling = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT

    def frames(path: str, indices: list[int]) -> Iterator[Any]:
        wanted = set(indices)
        with av.open(path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            reformatter = av.video.reformatter.VideoReformatter()
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    size = {"width": WIDTH, "height": HEIGHT}
                    scaled = reformatter.reformat(frame, **size, format="rgb24", interpolation=scaling, threads=1)
                    yield scaled.to_ndarray()
                if number == indices[-1]:
                    return

    return lambda path, indices: np.stack(list(frames(path, indices)))


def by_torchcodec() -> Decode:
    import torch
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    torch.set_num_threads(1)

    def decode(path: str, indices: list[int]) -> Any:
        size = Resize(size=(HEIGHT, WIDTH))
        decoder = VideoDecoder(path, num_ffmpeg_threads=1, dimension_order="NHWC", transforms=[size])
        return decoder.get_frames_at(indices).data.numpy()

    return decode


def by_decord() -> Decode:
    import decord

    def decode(path: str, indices: list[int]) -> Any:
        return decord.VideoReader(path, num_threads=1, width=WIDTH, height=HEIGHT).get_batch(indices).asnumpy()

    return decode


def main(name: str) -> None:
    try:
        decode = {"av": by_av, "torchcodec": by_torchcodec, "decord": by_decord}[name]()
    except Exception as error:
        tell(error=f"{name} does not import: {str(error).strip().splitlines()[0][:200]}")
        return
    tell(version=version(name))
    for line in sys.stdin:
        path, indices, target = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            np.save(Path(target), decode(path, indices))
        except Exception as error:
            tell(error=f"it cannot decode this: {(str(error).strip().splitlines() or [type(error).__name__])[0][:200]}")
            continue
        tell(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def tell(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
