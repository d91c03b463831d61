"""A process of its own that chunks a video or reads a chunk, and prints what memory it took, in MiB.

`memory_of_chunks.py stage VIDEO OUTPUT FRAMES FOLDER`, `memory_of_chunks.py read FOLDER CHUNK`.
"""

import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from chunks.chunk_place import run, take  # noqa: E402
from host import peak_memory  # noqa: E402
from reelmill_stages.media.decoding.decode import decode  # noqa: E402
from reelmill_stages.media.decoding.picture import render  # noqa: E402
from reelmill_stages.media.timeline.timeline import read_timeline  # noqa: E402


def warmed(video: Path) -> None:
    """Libraries loaded, a decoder and a scaler once used: what every process has, however little it does."""
    for picture in decode(video, read_timeline(video), [0, 1]):
        render(picture.frame, width=64, height=64)


def stage(video: Path, output: str, frames: int, folder: Path) -> float:
    """One view, divided; gives MiB written."""
    (result,) = run(folder, take({"front": video}), maxFrames=frames, output=output)
    assert result.items, result
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def read(folder: str, chunk: int) -> float:
    """One item of all frames; gives MiB of its tensors."""
    from reelmill_stages.datasets.chunks import ChunkSamples

    video = ChunkSamples(folder, frames=None, size=None, scale=False)[chunk]["video"]
    return sum(tensor.numel() * tensor.element_size() for tensor in video.values()) / 2**20


def main(what: str, *words: str) -> None:
    if what == "stage":
        warmed(Path(words[0]))
        before = peak_memory()
        output = stage(Path(words[0]), words[1], int(words[2]), Path(words[3]))
    else:
        import torch

        warmed(Path(words[2]))
        torch.zeros((2, 3)).float().sum()
        before = peak_memory()
        output = read(words[0], int(words[1]))
    print(json.dumps({"before": before, "peak": peak_memory(), "output": output}))


if __name__ == "__main__":
    main(*sys.argv[1:])
