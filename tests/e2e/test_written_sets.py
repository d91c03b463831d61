"""A stage `write` in a pipeline: it grows, an item that does not fit costs no other, and kills leave no trace."""

from pathlib import Path
from typing import Any

import pytest
from killing import run_killing
from pyarrow import parquet
from workshop import Workshop, balanced, film, same_end

pytestmark = pytest.mark.store

CLIPS = {"name": "clips", "clip": {"by": "length", "length": "1s"}}
COLUMNS = [{"field": "vid", "type": "string"}, {"field": "start", "type": "number"}]


def shop_of(folder: Path, count: int, format_: str, **more: Any) -> Workshop:
    train = {"name": "train", "write": {"format": format_, "samplesPerFile": 2, **more}}
    shop = Workshop(folder, stages=[CLIPS, train])
    shop.film(*(f"{number}.mp4" for number in range(count)))
    shop.files()
    return shop


def views(shop: Workshop) -> dict[str, bytes]:
    """The files about the whole data set."""
    root = shop.root("train")
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in ("0001", "0002", "_reelmill")
    }


def rows(shop: Workshop) -> dict[str, bytes]:
    """Key -> video, of all committed Parquet files."""
    return {
        row["key"]: row["video"]["bytes"]
        for item in shop.items("train").values()
        for output in item.outputs
        for row in parquet.read_table(shop.folder / "store" / output.key).to_pylist()
    }


def test_015_f05_growth_adds_what_is_new_and_a_broken_video_costs_only_itself(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, 3, "parquet", columns=COLUMNS[:1])
    del shop.stages[0]
    (shop.videos / "broken.mp4").write_bytes(film().read_bytes()[:2000])
    shop.run()
    assert rows(shop) == {f"{number}.mp4": film().read_bytes() for number in range(3)}
    assert set(shop.failures("train")) == {"broken.mp4"}
    before = views(shop)["README.md"]
    shop.film("3.mp4")
    shop.run()
    assert set(rows(shop)) == {f"{number}.mp4" for number in range(4)}
    after = views(shop)["README.md"]
    assert (before.count(b"0002/"), after.count(b"0002/")) == (0, 1)
    balanced(shop, "train")


@pytest.mark.parametrize("format_", ["parquet", "mds", "lerobot"])
def test_015_f06_killed_runs_end_like_an_undisturbed_one(format_: str, tmp_path: Path) -> None:
    more = {"lerobot": {"fps": 12, "width": 64, "height": 48, "task": "vid"}} if format_ == "lerobot" else {}
    quiet = shop_of(tmp_path, 5, format_, columns=COLUMNS, **more)
    quiet.run()
    (tmp_path / "killed").mkdir()
    killed = Workshop(tmp_path / "killed", quiet.sources, quiet.stages)
    run_killing(killed, 3, seed=3, longest=5.0)
    same_end(killed, quiet, "train")
    assert views(killed) == views(quiet)
    assert not quiet.failures("train")


VECTORS = '''
"""A stage as `embed`: a vector of each clip, which tells of which file it was made."""

import numpy as np

from reelmill_stages.stage import Done, File, NewItem, Stage

__reelmill__ = ["Vectors"]


class Vectors(Stage):
    def process(self, group, work):
        return [self.one(given, work) for given in group]

    def one(self, given, work):
        item = given.item
        path = work.scratch / f"{given.number}.npz"
        np.savez(path, embedding=np.array([[work.fetch(item.media).stat().st_size]], np.float32))
        file = File(f"{given.number:06d}_embedding.npz", path)
        source = {"source": item.media.to_json()}
        return Done((NewItem(item.key, item.group, item.weight, file.name, (file,), dict(item.fields), source),))
'''


def test_015_f11_a_vector_lies_beside_the_clip_of_which_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/vectors.py").write_text(VECTORS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    shop = shop_of(tmp_path, 2, "parquet", columns=COLUMNS, media="vector", madeOf="video")
    shop.stages.insert(1, {"name": "vectors", "run": {"entrypoint": "vectors:Vectors"}})
    shop.run()
    clips = {key: Path(shop.folder / "store" / one.media.uri) for key, one in shop.items("clips").items() if one.media}
    assert rows(shop) == {key: path.read_bytes() for key, path in clips.items()}
    assert len(clips) == 4
    (_, one, *_) = sorted(shop.root("train").rglob("*.parquet"))
    for row in parquet.read_table(one).to_pylist():
        assert row["vector"] == [clips[row["key"]].stat().st_size]
        assert row["start"] == shop.items("clips")[row["key"]].fields["start"]
    balanced(shop, "clips", "vectors", "train")
