"""The stages with models on CUDA beside the CPU: `embed`, `grid`, and `clip` by TransNetV2. Weights are seeded noise,
except those of TransNetV2, which its package brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import footage
from grid.gallery import image_item, picture
from lip_crops import write_crops
from prove_gpu.case import Case, judged
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.filtered import Scaled
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.models.transnetv2 import HEIGHT, WIDTH, TransNet
from reelmill_stages.stage import Assembled, Done, Input, Kept, Refused, Shard
from reelmill_stages.stages.grid.containers import opened
from reelmill_stages.stages.grid.stage import GridStage
from with_torch.embed.lip_desk import block, embedded, features, given, save_weights
from with_torch.grid.tiny_clip import config, saved
from worker_desk import Desk

CLOSE = 5e-3
"""Largest difference beside the largest value: GPUs add up in another order, and in TF32 where torch lets them."""


def embed(folder: Path, device: str) -> Iterator[Case]:
    """Lip embeddings of two clips, in single precision and in bfloat16."""
    paths = [write_crops(folder / f"{number}.npz", frames, number) for number, frames in enumerate((50, 30))]
    weights = save_weights(folder / "w.pth")
    cpu = features(embedded(block(weights, device="cpu"), given(paths), folder / "cpu"))
    for precision, close in (("float32", CLOSE), ("bfloat16", 0.1)):
        made = embedded(block(weights, device=device, precision=precision), given(paths), folder / precision)
        yield _compared("embed", precision, made, features(made), cpu, close, device)


def grid(folder: Path, device: str) -> Iterator[Case]:
    """Grid features of pictures."""
    (_, cpu), (made, found) = (_grids(folder / str(at), one) for at, one in enumerate(("cpu", device)))
    yield _compared("grid", "a small ViT", made, found, cpu, CLOSE, device)


def transnetv2(folder: Path, device: str) -> Iterator[Case]:
    """Transitions among frames of four shots."""
    frames = _shots(folder)
    cpu, net = TransNet("cpu"), TransNet("gpu" if device == "gpu" else "cpu", 0)
    expected, found = cpu.predictions(frames), net.predictions(frames)
    fallen = net.device.fallback
    problems = [f"fell back ({fallen.reason}): {fallen.message}"] if fallen else []
    apart = float(np.abs(found - expected).max())
    problems += [f"predictions differ by up to {apart:.3g}"] if apart > 0.01 else []
    problems += ["the CPU does not find the four shots"] if int((expected > 0.5).sum()) != 3 else []
    problems += ["other frames are transitions"] if list(found > 0.5) != list(expected > 0.5) else []
    yield judged("transnetv2", "four shots", problems, largest=apart, transitions=int((expected > 0.5).sum()))


def _compared(
    part: str,
    case: str,
    made: list[Assembled | Refused],
    found: Mapping[str, np.ndarray[Any, Any]],
    cpu: Mapping[str, np.ndarray[Any, Any]],
    close: float,
    device: str,
) -> Case:
    problems = [f"refused: {one.message}" for one in made if isinstance(one, Refused)]
    counters = {name: number for one in made if isinstance(one, Assembled) for name, number in one.counters.items()}
    problems += [f"fell back: {counters}"] if counters else []
    told = {new.provenance.get("device", device) for one in made if isinstance(one, Assembled) for new in one.items}
    problems += [f"provenance says {sorted(told)}"] if told != {device} else []
    if found.keys() != cpu.keys():
        problems.append(f"{len(found)} of {len(cpu)} items")
        return judged(part, case, problems)
    apart = max(float(np.abs(found[key] - value).max() / np.abs(value).max()) for key, value in cpu.items())
    problems += [f"features differ by up to {apart:.2g} of the largest"] if not apart <= close else []
    return judged(part, case, problems, largest=float(f"{apart:.3g}"), items=len(found))


class _Small(GridStage):
    """With a tower of two layers."""

    config = config()


def _grids(folder: Path, device: str) -> tuple[list[Assembled | Refused], dict[str, np.ndarray[Any, Any]]]:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"uri": str(saved(folder / "weights.pt"))}
    stage = _Small(GridBlock.model_validate({"weights": weights, "container": "npz", "device": device}))
    kept = []
    for number in range(8):
        path = picture(folder / f"x_{number:06d}.jpg", number, (300, 240))
        one = Input(image_item(path, number, number, split="all"), number)
        (result,) = stage.process([one], Desk(folder / "work" / str(number)))
        assert isinstance(result, Done), result
        kept.append(Kept(one, result))
    out = folder / "out"
    out.mkdir()
    made = list(stage.assemble(iter(kept), Shard(0, 1, 0, len(kept), 1, out, Desk(folder).read)))
    found: dict[str, np.ndarray[Any, Any]] = {}
    for path in out.glob("features-*"):
        reader = opened(path)
        found |= {name: np.asarray(reader.array(name), np.float32) for name in reader.names()}
        reader.close()
    return made, found


def _shots(folder: Path) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """The frames of four shots of two seconds, as the network sees them."""
    path = folder / "shots.mp4"
    inputs = [
        word
        for source in ("testsrc2", "mandelbrot=maxiter=200", "smptebars", "life=mold=9:ratio=0.3")
        for word in ("-f", "lavfi", "-t", "2", "-i", f"{source}{':' if '=' in source else '='}size=192x108:rate=25")
    ]
    joined = "[0:v][1:v][2:v][3:v]concat=n=4:v=1,format=yuv420p"
    footage.ffmpeg(*inputs, "-filter_complex", joined, "-c:v", "libx264", "-crf", "18", str(path))
    timeline = read_timeline(path)
    scaled = Scaled(timeline.shape, WIDTH, HEIGHT)
    return [scaled.of(one.frame) for one in decode(path, timeline, range(len(timeline)))]


RUNS: dict[str, Callable[[Path, str], Iterator[Case]]] = {"embed": embed, "grid": grid, "transnetv2": transnetv2}
