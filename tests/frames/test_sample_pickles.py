"""Pickles open under numpy 1.23 and 2 alike, and reading them runs nothing."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from frames.workplace import clip, done, item
from reelmill_stages.stages.frames.pickles import FRAMES_TAIL, dump_arrays, frames_head, globals_of, load


@pytest.mark.parametrize("name", ["video_input.pkl", "text_input.pkl"])
def test_000_p1_pickles_are_protocol_4_and_name_only_what_numpy_1_23_has(name: str, tmp_path: Path) -> None:
    (made,) = done(tmp_path, item(clip())).items
    protocol, names = globals_of(next(file.path for file in made.files if file.path.name == name))
    assert protocol == 4
    assert names == {"numpy.core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype"}


@pytest.mark.parametrize("shape", [(0, 2, 2, 3), (1, 1, 1, 3), (300, 4, 5, 3)])
def test_frames_come_back_as_they_were_by_plain_pickle(shape: tuple[int, ...], tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    data = frames_head(shape) + frames.tobytes() + FRAMES_TAIL
    loaded = pickle.loads(data)
    assert loaded.dtype == np.uint8
    assert np.array_equal(loaded, frames)
    (tmp_path / "frames.pkl").write_bytes(data)
    assert np.array_equal(load(tmp_path / "frames.pkl"), frames)


def test_tokens_come_back_as_they_were() -> None:
    tokens = np.array([49406, 7, -1, 49407], np.int64)
    loaded = pickle.loads(dump_arrays({"tokens": tokens}))
    assert list(loaded) == ["tokens"]
    assert loaded["tokens"].dtype == np.int64
    assert np.array_equal(loaded["tokens"], tokens)


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_pickle_with_other_contents_than_arrays_is_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.pkl"
    hostile.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(pickle.UnpicklingError, match="not allowed in a pickle"):
        load(hostile)
    hostile.write_bytes(pickle.dumps(np.array([Hostile()], dtype=object)))
    with pytest.raises(pickle.UnpicklingError, match="not allowed in a pickle"):
        load(hostile)


def test_arrays_pickled_by_the_installed_numpy_can_be_read_too(tmp_path: Path) -> None:
    (tmp_path / "new.pkl").write_bytes(pickle.dumps(np.arange(4), protocol=4))
    assert load(tmp_path / "new.pkl").tolist() == [0, 1, 2, 3]
