"""`reelmill check` for CLIP4MC samples: verifies a folder by the rules of CLIP4MC's loader."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.stages.frames.facts import SIZES
from reelmill_stages.stages.frames.ids import END, LENGTH, START
from reelmill_stages.stages.frames.info import NAME, read_info
from reelmill_stages.stages.frames.pickles import globals_of, load
from reelmill_stages.stages.frames.sampling import LOADER_STEP
from reelmill_stages.stages.frames.writer import SIZE, TEXT, VIDEO
from reelmill_stages.untrusted.nested import load_json

FORMAT = "clip4mc"
BATCH = {"train": 420, "test": 400}
"""Batch sizes of the trainer, which drops the last incomplete batch."""
TEST_SHAPE = (160, 256, 3)
"""Shape of test frames, which the loader does not resize."""


class Clip4mcCheck:
    """The check for the format `clip4mc`."""

    def detect(self, folder: Path) -> bool:
        if next(folder.rglob(VIDEO), None) is not None:
            return True
        # Samples of other layouts have the same list file.
        others = (next(folder.rglob(pattern), None) for pattern in ("*.npy", "*.jpg"))
        return (folder / NAME).is_file() and not any(others)

    def check(self, folder: Path) -> Iterator[Finding]:
        info = yield from _check_info(folder)
        tested = {(folder / path).absolute() for path in info["test"]}
        listed = {(folder / path).absolute() for paths in info.values() for path in paths}
        found = {video.parent.absolute() for video in folder.rglob(VIDEO)}
        for sample in sorted(listed | found):
            inside = sample.is_relative_to(folder.absolute())
            name = str(sample.relative_to(folder.absolute())) if inside else str(sample)
            if sample not in listed and any(info.values()):
                yield Finding(name, "listed", False, f"{NAME} does not list this folder, so the loader never reads it")
            yield from _check_video(sample, name, is_test=sample in tested)
            yield from _check_text(sample, name)
            yield from _check_size(sample, name)


def _check_info(folder: Path) -> Generator[Finding, None, dict[str, list[str]]]:
    """Findings about dataset_info.json; returns its lists."""
    try:
        info = read_info(folder / NAME)
    except (OSError, ValueError) as error:
        yield Finding(NAME, "dataset_info", False, unreadable(error))
        return {"train": [], "val": [], "test": []}
    yield Finding(NAME, "dataset_info", True)
    for split, batch in BATCH.items():
        count = len(info[split])
        yield Finding(
            NAME, f"{split}_not_empty", count > 0, "" if count else "the list is empty, which the loader rejects"
        )
        if 0 < count < batch:
            note = f"{count_of(count, 'sample')} cannot fill a batch of {batch}, and are dropped: use a smaller batch"
            yield Finding(NAME, f"{split}_batch", True, note)
    relative = sum(not Path(path).is_absolute() for paths in info.values() for path in paths)
    if relative:
        note = (
            f"{relative} paths are relative: train in this folder, or use `reelmill export`, which makes them absolute"
        )
        yield Finding(NAME, "paths", True, note)
    return info


def _check_video(sample: Path, name: str, *, is_test: bool) -> Iterator[Finding]:
    file = f"{name}/{VIDEO}"
    frames = yield from _load_pickle(sample / VIDEO, file)
    if frames is None:
        return
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        yield Finding(file, "frames_array", False, "the content must be a uint8 array of shape (N, height, width, 3)")
        return
    whole = len(frames) > 0 and len(frames) % LOADER_STEP == 0
    message = f"the number of frames must be a positive multiple of {LOADER_STEP}, not {len(frames)}"
    yield Finding(file, "frames_multiple", whole, "" if whole else message)
    if is_test:
        right = frames.shape[1:] == TEST_SHAPE
        message = f"test frames must be {TEST_SHAPE[:2]}, not {frames.shape[1:3]}: the loader does not resize them"
        yield Finding(file, "test_shape", right, "" if right else message)


def _check_text(sample: Path, name: str) -> Iterator[Finding]:
    file = f"{name}/{TEXT}"
    text = yield from _load_pickle(sample / TEXT, file)
    if text is None:
        return
    tokens = text.get("tokens") if isinstance(text, dict) else None
    if not isinstance(tokens, np.ndarray) or tokens.dtype != np.int64 or tokens.shape != (LENGTH,):
        yield Finding(
            file, "tokens_array", False, f"the content must be {{'tokens': int64 array of shape ({LENGTH},)}}"
        )
        return
    right = bool(tokens[0] == START and (tokens == END).any())
    yield Finding(file, "tokens_ends", right, "" if right else f"tokens must begin with {START} and contain {END}")


def _check_size(sample: Path, name: str) -> Iterator[Finding]:
    file = f"{name}/{SIZE}"
    try:
        size = load_json((sample / SIZE).read_bytes())
    except (OSError, ValueError) as error:
        yield Finding(file, "readable", False, unreadable(error))
        return
    if not isinstance(size, list) or len(size) != SIZES:
        yield Finding(file, "size_length", False, f"the content must be a list of {SIZES} numbers")
        return
    floats = all(type(value) is float for value in size)
    yield Finding(
        file,
        "size_floats",
        floats,
        "" if floats else "all numbers must be floats: integers and nulls cannot be put into a batch",
    )


def _load_pickle(path: Path, file: str) -> Generator[Finding, None, Any]:
    """The content of a pickle, or None after a finding about the error."""
    try:
        protocol, names = globals_of(path)
        content = load(path)
    except (OSError, ValueError) as error:
        yield Finding(file, "readable", False, unreadable(error))
        return None
    old = protocol <= 4 and not any(name.startswith("numpy._core") for name in names)
    message = f"numpy 1.23 cannot open a pickle of protocol {protocol} with {', '.join(sorted(names))}"
    yield Finding(file, "opens_under_numpy_1", old, "" if old else message)
    return content
