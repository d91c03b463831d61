"""Items that show the same are found in real files, and everything else is passed on as it came."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import footage
from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.spec.stages.dedup import DedupBlock
from reelmill_stages.runtime.decide import postings
from reelmill_stages.runtime.decide.growing_index import GrowingIndex
from reelmill_stages.runtime.decide.kept import KeptInputs
from reelmill_stages.stage import Done, Failed, Input, Signed
from reelmill_stages.stages.dedup.clips import clip_of
from reelmill_stages.stages.dedup.stage import DedupStage
from worker_desk import Desk


def item(path: Path, key: str = "", **fields: Any) -> Item:
    span = fields.pop("span", None)
    provenance = fields.pop("provenance", {})
    media = Media(str(path), path.stat().st_size, span=span)
    return Item(key or path.name, 0, "g", 1.0, media, fields=fields, provenance=provenance)


def judged(tmp_path: Path, items: Sequence[Item], **params: Any) -> dict[str, str]:
    """Key -> what the ledger would say: empty if kept, otherwise the message, or the reason of a failure."""
    stage = DedupStage(DedupBlock(**params))
    results = stage.process([Input(one, number) for number, one in enumerate(items)], Desk(tmp_path / "scratch"))
    told: dict[str, str] = {}
    signed: list[tuple[float, Signed]] = []
    for one, result in zip(items, results, strict=True):
        if isinstance(result, Done):
            assert result.signature is not None
            signed.append((result.signature.rank, Signed(one.key, result.signature.data)))
            (passed,) = result.items
            assert (passed.key, passed.media, passed.fields) == (one.key, one.media, one.fields)
            assert not passed.files
        else:
            told[one.key] = result.reason
    given = [one for _, one in sorted(signed, key=lambda each: (each[0], each[1].key))]
    (tmp_path / "index").mkdir(exist_ok=True)
    growing = GrowingIndex(tmp_path / "index")
    while given:
        verdicts = stage.decide(given, KeptInputs([], growing))
        kept = [one for one, verdict in zip(given, verdicts, strict=False) if verdict is None]
        if kept:
            values, owners = stage.terms([one.data for one in kept])
            growing.add(kept, postings.mixed(values), owners)
        told |= {one.key: verdict.message if verdict else "" for one, verdict in zip(given, verdicts, strict=False)}
        given = given[len(verdicts) :]
    return told


def scene(tmp_path: Path, name: str, number: int, *filters: str, seconds: float = 4.0, start: float = 0.0) -> Path:
    """A part of a synthetic film, which shows another picture every half second, encoded after these filters."""
    path, raw = tmp_path / name, tmp_path / f"film-{number}.raw"
    if not raw.exists():
        raw.write_bytes(b"".join(_picture(number, half).tobytes() * 6 for half in range(12)))
    chain = ",".join(["setpts=PTS-STARTPTS", *filters])
    footage.ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x192", "-r", "12", "-i", str(raw), "-ss", str(start),
        "-t", str(seconds), "-vf", chain, "-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20",
        "-threads", "1", str(path),
    )  # fmt: skip
    return path


def _picture(film: int, half: int) -> np.ndarray:
    """Soft patches of colour."""
    patches = np.random.default_rng([film, half]).integers(0, 256, (7, 10, 3), np.uint8)
    return np.asarray(Image.fromarray(patches).resize((320, 192), Image.Resampling.BICUBIC))


def test_008_f1_the_same_bytes_under_two_names_are_one_item(tmp_path: Path) -> None:
    video = footage.video(seconds=0.4)
    for name in ("b.mp4", "a.mp4"):
        shutil.copy(video, tmp_path / name)
    other = shutil.copy(footage.video(seconds=0.8), tmp_path / "c.mp4")
    told = judged(tmp_path, [item(tmp_path / "b.mp4"), item(tmp_path / "a.mp4"), item(Path(other))])
    assert told == {"a.mp4": "", "b.mp4": "of a.mp4, distance 0; same bytes", "c.mp4": ""}


def test_008_f1_a_video_in_another_container_is_an_exact_duplicate_and_one_that_was_encoded_again_is_not(
    tmp_path: Path,
) -> None:
    video = Path(shutil.copy(footage.video(seconds=0.4), tmp_path / "a.mp4"))
    footage.ffmpeg("-i", str(video), "-c", "copy", str(tmp_path / "b.mkv"))
    footage.ffmpeg("-i", str(video), "-c:v", "libx264", "-crf", "40", str(tmp_path / "c.mp4"))
    told = judged(tmp_path, [item(tmp_path / name) for name in ("a.mp4", "b.mkv", "c.mp4")])
    assert told == {"a.mp4": "", "b.mkv": "of a.mp4, distance 0; same pictures", "c.mp4": ""}


def test_files_that_are_no_videos_are_compared_by_their_bytes(tmp_path: Path) -> None:
    for name, text in {"a.txt": "one", "b.txt": "one", "c.txt": "two"}.items():
        (tmp_path / name).write_text(text)
    told = judged(tmp_path, [item(tmp_path / name) for name in ("a.txt", "b.txt", "c.txt")])
    assert told == {"a.txt": "", "b.txt": "of a.txt, distance 0; same bytes", "c.txt": ""}


def test_spans_of_one_file_are_different_items_and_equal_spans_are_not(tmp_path: Path) -> None:
    video = footage.video(seconds=0.8)
    spans = {"a": Span(0, 0.4), "b": Span(0.4, 0.8), "c": Span(0, 0.4)}
    told = judged(tmp_path, [item(video, key, span=span) for key, span in spans.items()])
    assert told == {"a": "", "b": "", "c": "of a, distance 0; same bytes"}


COPIES = {
    "scaled": ["scale=160:96"],
    "cropped": ["crop=304:182"],
    "encoded": ["noise=alls=4:allf=t"],
    "coloured": ["eq=brightness=0.05:contrast=1.1,hue=h=15"],
    "letterboxed": ["pad=320:256:0:32"],
    "logo": ["drawbox=x=260:y=12:w=44:h=24:color=white:t=fill"],
    "faster": ["setpts=PTS/1.25"],
}


@pytest.mark.store
def test_008_f2_transformed_copies_are_found_and_other_scenes_are_kept(tmp_path: Path) -> None:
    items = [item(scene(tmp_path, f"0-{number}.mp4", number)) for number in range(3)]
    items += [item(scene(tmp_path, f"1-{name}.mp4", 1, *filters)) for name, filters in COPIES.items()]
    items.append(item(scene(tmp_path, "1-cut.mp4", 1, seconds=2, start=1.3)))
    items.append(item(scene(tmp_path, "2-mirrored.mp4", 1, "hflip")))
    told = judged(tmp_path, items, by="perceptual")
    assert {key for key, message in told.items() if message} == {f"1-{name}.mp4" for name in (*COPIES, "cut")}
    assert all(message.startswith("of 0-1.mp4, distance ") for message in told.values() if message)
    mirrored = judged(tmp_path, [items[1], items[-1]], by="perceptual", mirror=True)
    assert mirrored["2-mirrored.mp4"].endswith("of it mirrored")


def test_008_f3_the_message_says_which_part_of_which_clip_it_is(tmp_path: Path) -> None:
    whole = item(scene(tmp_path, "a.mp4", 0, seconds=6))
    part = item(scene(tmp_path, "b.mp4", 0, seconds=2, start=3))
    message = judged(tmp_path, [whole, part], by="perceptual")["b.mp4"]
    times = message.partition("; ")[2]
    first, last = (float(time) for time in times.split(" is ")[1].split(" s ")[0].split("-"))
    assert abs(first - 3.25) <= 0.5
    assert abs(last - 4.75) <= 0.5


def test_what_shows_more_than_the_kept_item_is_kept_too(tmp_path: Path) -> None:
    part = item(scene(tmp_path, "a.mp4", 0, seconds=2, start=3))
    whole = item(scene(tmp_path, "b.mp4", 0, seconds=6))
    assert judged(tmp_path, [part, whole], by="perceptual") == {"a.mp4": "", "b.mp4": ""}


def test_black_videos_have_nothing_to_compare_and_are_kept(tmp_path: Path) -> None:
    items = [item(scene(tmp_path, f"{name}.mp4", 0, "drawbox=t=fill:color=black", seconds=1)) for name in "ab"]
    assert judged(tmp_path, items, by="perceptual") == {"a.mp4": "", "b.mp4": ""}


def test_008_f5_the_best_by_a_measure_is_kept_and_items_without_one_come_last(tmp_path: Path) -> None:
    video = footage.video(seconds=0.4)
    measured = {"a": None, "b": 3.0, "c": 7, "d": True, "e": float("nan")}
    items = [
        item(video, key, **({} if value is None else {"measures": {"quality": value}}))
        for key, value in measured.items()
    ]
    best = judged(tmp_path, items, measure="measures.quality")
    assert [key for key, message in best.items() if not message] == ["c"]
    lowest = judged(tmp_path, items, measure="measures.quality", best="lowest")
    assert [key for key, message in lowest.items() if not message] == ["b"]


def test_008_f4_similar_vectors_are_duplicates_whatever_their_length(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    one, other = noise.standard_normal((2, 64)).astype(np.float32)
    np.savez_compressed(tmp_path / "a.npz", embedding=one)
    np.savez_compressed(tmp_path / "b.npz", embedding=np.stack([one * 2, one * 2.2]))
    np.save(tmp_path / "c.npy", other)
    np.save(tmp_path / "d.npy", one[:32])
    np.save(tmp_path / "e.npy", np.full(64, np.nan, np.float32))
    np.save(tmp_path / "f.npy", np.zeros(64, np.float32))
    (tmp_path / "g.npz").write_text("no")
    files = sorted(tmp_path.glob("?.np?"))
    told = judged(tmp_path, [item(path) for path in files], by="semantic")
    assert told == {
        "a.npz": "",
        "b.npz": "of a.npz, distance 0 (cosine)",
        "c.npy": "",
        "d.npy": "",
        "e.npy": "nan_features",
        "f.npy": "no_vector",
        "g.npz": "no_vector",
    }


def test_clips_are_passed_on_in_place_of_their_vectors(tmp_path: Path) -> None:
    chance = np.random.default_rng(3).standard_normal((2, 64)).astype(np.float32)
    clips = [Media(f"clips/k/0001/{name}.mp4", 5, digest=f"sha256:{name}", span=Span(1.0, 2.0)) for name in "ab"]
    items = []
    for vector, clip in zip(chance, clips, strict=True):
        np.savez_compressed(tmp_path / f"{clip.digest[-1]}.npz", embedding=vector)
        made = {"source": clip.to_json(), "params": {"model": "ViT-B-32"}, "from": {"in": 0, "out": 9}}
        items.append(item(tmp_path / f"{clip.digest[-1]}.npz", provenance=made, shape=[64], text="a man walks"))
    np.savez_compressed(tmp_path / "c.npz", embedding=chance[0])
    items.append(item(tmp_path / "c.npz", provenance={"source": {}}))
    stage = DedupStage(DedupBlock(by="semantic", passes="clips"))
    *kept, odd = stage.process([Input(one, number) for number, one in enumerate(items)], Desk(tmp_path / "scratch"))
    assert isinstance(odd, Failed)
    assert odd.reason == "no_media"
    for clip, given, result in zip(clips, items[:2], kept, strict=True):
        assert isinstance(result, Done)
        (passed,) = result.items
        assert (passed.key, passed.media) == (given.key, clip)
        assert (passed.fields, passed.provenance) == ({"text": "a man walks"}, {"in": 0, "out": 9})


def test_a_clip_gets_back_the_fields_that_its_vector_has_too(tmp_path: Path) -> None:
    own = {"shape": "round", "precision_difference": 3}
    (tmp_path / "a.npz").touch()
    for fields in ({"shape": [64]}, {"shape": [64], "precision_difference": 0.01}):
        made = {"source": Media("a.mp4", 5, digest="sha256:a").to_json(), "fields": own}
        given = item(tmp_path / "a.npz", provenance=made, text="said", **fields)
        assert clip_of(given).fields == {"text": "said", **own}


def test_frames_of_the_lip_reader_are_columns(tmp_path: Path) -> None:
    noise = np.random.default_rng(2)
    columns = noise.standard_normal((512, 9)).astype(np.float32)
    np.savez_compressed(tmp_path / "a.npz", embedding=columns)
    np.savez_compressed(tmp_path / "b.npz", embedding=columns.mean(axis=1))
    lip = {"params": {"weights": {"uri": "w"}}}
    told = judged(tmp_path, [item(tmp_path / "a.npz", provenance=lip), item(tmp_path / "b.npz")], by="semantic")
    assert told["b.npz"].startswith("of a.npz, distance ")


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"by": "exact", "distance": 3}, "exact duplicates have none"),
        ({"by": "semantic", "distance": 0.5}, "more than 0.1"),
        ({"by": "semantic", "mirror": True, "overlap": 0.2}, "overlap, mirror: only for by: perceptual"),
        ({"best": "lowest"}, "name a measure"),
        ({"by": "perceptual", "passes": "clips"}, "passes is for by: semantic"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(params: dict[str, Any], part: str) -> None:
    assert part in " ".join(DedupBlock(**params).refusals())
