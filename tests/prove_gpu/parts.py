"""The parts: what each shows, what it needs, and how long it may take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cluster.unavailable import Unavailable
from prove_gpu.case import Case
from reelmill_stages.media.gpu import gpus
from torch_home import torch_home

BUDGET = 450.0
"""Seconds for everything: less than eight minutes."""

Run = Callable[[Path, str], Iterator[Case]]
"""Yields cases, given a folder and a device: `gpu`, or in a rehearsal `cpu`."""


@dataclass(frozen=True, slots=True)
class Part:
    """`place` is its function: `module:name`. `seconds` at most."""

    name: str
    shows: str
    place: str
    seconds: float
    needs: tuple[str, ...] = ("gpu",)

    def load(self) -> Run:
        """Its function."""
        module, _, name = self.place.partition(":")
        run: Run = getattr(import_module(f"prove_gpu.{module}"), name)
        return run


PARTS = (
    Part("streams", "streams of every codec, and what the CPU decodes", "streams:run", 120, ()),
    Part("machine", "the GPU and its place in the table of decoders", "machine:run", 20),
    Part("decode", "every codec on NVDEC beside the CPU", "decoding:run", 120),
    Part("usage", "seconds of the GPU by NVML", "measuring:usage", 60),
    Part("normalise", "encoding on NVENC", "encoding:run", 60),
    Part("embed", "the stage `embed` on CUDA beside the CPU", "models:embed", 90, ("gpu", "torch")),
    Part("grid", "the stage `grid` on CUDA beside the CPU", "models:grid", 90, ("gpu", "torch")),
    Part("transnetv2", "scenes by TransNetV2 on CUDA beside the CPU", "models:transnetv2", 90, ("gpu", "torch")),
    Part("bench", "decoding on NVDEC beside the decoder alone", "measuring:bench", 150),
)


def lacking(part: Part) -> str:
    """Why this machine cannot run a part; empty if it can."""
    if "gpu" in part.needs and not gpus():
        return "no GPU: NVIDIA's management library finds none"
    if "torch" in part.needs:
        try:
            torch_home()
        except Unavailable as problem:
            return str(problem)
    return ""


def environment(part: Part) -> Mapping[str, str]:
    """The variables of the part's process: of all parts, only those with models find torch."""
    path = [str(Path(__file__).parents[1]), *([str(torch_home())] if "torch" in part.needs else [])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")])}
