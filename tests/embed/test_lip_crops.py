"""Crops as files hold them and as the model wants them; what is no such file is one clear row."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lip_crops import crops
from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.stage import Done, Failed, Input
from reelmill_stages.stages.embed.lip_crops import prepare, read_crops
from reelmill_stages.stages.embed.stage import EmbedStage

BLOCK = EmbedBlock.model_validate({"weights": {"uri": "/weights.pth"}})


class Desk:
    """What a worker lends, of plain files."""

    gpu = None

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch

    def open(self, media: Media) -> Path:
        return self.fetch(media)

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


def processed(path: Path, key: str = "mouths/a.npz") -> Any:
    item = Item(key, 0, key, 1.0, Media(str(path), 1))
    (result,) = EmbedStage(BLOCK).process([Input(item, 7)], Desk(path.parent))  # type: ignore[arg-type]
    return result


def test_003_p5_pixels_are_prepared_in_float64_and_then_cast() -> None:
    given = crops(3)
    wanted = np.stack([(frame.astype(np.float64) / 255.0)[4:92, 4:92] for frame in given])
    wanted = ((wanted - 0.421) / 0.165).astype(np.float32)
    assert (prepare(given) == wanted).all()
    assert prepare(given).dtype == np.float32
    single = given[:, 4:92, 4:92].astype(np.float32) / np.float32(255)
    single = (single - np.float32(0.421)) / np.float32(0.165)
    assert (single != wanted).any()


def test_a_worker_gives_frames_a_name_in_the_mirror_and_seconds(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", data=crops(50))
    result = processed(tmp_path / "a.npz")
    assert isinstance(result, Done)
    assert result.fields == {"name": "mouths/a", "seconds": 2.0, "fields": {}}
    assert np.load(result.payload[0].path).shape == (50, 88, 88)


def single_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, crops())


def cut_short(path: Path) -> None:
    np.savez(path, data=crops())
    path.write_bytes(path.read_bytes()[:-200])


def damaged(path: Path) -> None:
    np.savez_compressed(path, data=np.zeros((9, 96, 96), np.uint8))
    data = bytearray(path.read_bytes())
    data[60:80] = b"\xff" * 20
    path.write_bytes(bytes(data))


def objects(path: Path) -> None:
    np.savez(path, data=np.array([{"a": 1}], dtype=object))


def not_numpy(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", b"no array at all")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b"mp4"), "not_an_npz"),
        (lambda path: path.write_bytes(b""), "not_an_npz"),
        (single_array, "not_an_npz"),
        (cut_short, "not_an_npz"),
        (damaged, "not_an_npz"),
        (objects, "not_an_npz"),
        (not_numpy, "not_an_npz"),
        (lambda path: np.savez(path, frames=crops()), "no_data_key"),
        (lambda path: np.savez(path), "no_data_key"),
        (lambda path: np.savez(path, data=crops().astype(np.float32)), "wrong_dtype"),
        (lambda path: np.savez(path, data=crops()[:, :88, :88]), "wrong_shape"),
        (lambda path: np.savez(path, data=crops()[0]), "wrong_shape"),
        (lambda path: np.savez(path, data=crops()[:0]), "wrong_shape"),
        (lambda path: np.savez(path, data=np.stack([crops()] * 3, axis=-1)), "wrong_shape"),
    ],
)
def test_003_f06_a_file_that_holds_no_crops_is_one_failed_row(
    tmp_path: Path, write: Callable[[Path], object], reason: str
) -> None:
    write(tmp_path / "a.npz")
    with pytest.raises(ItemError) as found:
        read_crops(tmp_path / "a.npz")
    assert found.value.reason == reason
    assert processed(tmp_path / "a.npz") == Failed(reason, found.value.what)


def test_the_message_names_what_the_file_holds_instead(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", frames=crops(), label=1)
    with pytest.raises(ItemError, match="it contains frames, label, but no array 'data'"):
        read_crops(tmp_path / "a.npz")


def test_a_name_that_no_store_can_hold_fails_its_item_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", data=crops())
    assert processed(tmp_path / "a.npz", key="mouths/../a.npz").reason == "bad_name"
    assert processed(tmp_path / "a.npz", key=f"{'x' * 2000}.npz").reason == "bad_name"


def test_an_item_without_a_file_fails_with_a_message(tmp_path: Path) -> None:
    (result,) = EmbedStage(BLOCK).process([Input(Item("a", 0, "a", 1.0), 0)], Desk(tmp_path))  # type: ignore[arg-type]
    assert result.reason == "no_media"


@pytest.mark.parametrize("data", [b"no archive at all", pickle.dumps([1, 2, 3])])
def test_nobody_is_told_to_load_a_file_of_unknown_origin_unsafely(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    objects = tmp_path / "objects.npz"
    np.savez(objects, data=np.array([{}, None], dtype=object))
    for path in (tmp_path / "a.npz", objects):
        with pytest.raises(ItemError) as told:
            read_crops(path)
        assert told.value.reason == "not_an_npz"
        assert "pickle" not in told.value.what
        assert "unsafe" not in told.value.what
