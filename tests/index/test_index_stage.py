"""The index stage: what it counts, what it refuses, what it writes."""

import json
import pickle
import pickletools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import footage
from pack.broken_tars import GOOD, TARS, picture, tar
from pack.desk import ROOT, Gathered, packed, tar_items, video_item
from pack.readers import stock
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stage import Done, Failed, Input, Result
from reelmill_stages.stages.index.stage import IndexStage
from worker_desk import Desk

INDEX_ROOT = "catalog/abcdefabcd"


def tar_item(path: Path, number: int = 0, **fields) -> Item:
    return Item(f"{path.name} {number}", number, "g", 1.0, Media(str(path), path.stat().st_size), fields=fields)


def looked_at(path: Path, folder: Path, *, number: int = 0, fields: dict | None = None, **block) -> Result:
    item = tar_item(path, number, **(fields or {}))
    (result,) = IndexStage(IndexBlock(**block)).process([Input(item, number)], Desk(folder / "work"))
    return result


def presented(items: Sequence[Item], folder: Path, root: str = INDEX_ROOT) -> Path:
    out = folder / "out"
    out.mkdir()
    for file in IndexStage(IndexBlock()).present(Gathered(items, folder / "views", root), {}):
        (out / file.name).write_bytes(file.path.read_bytes())
    return out


def token_pack(**changes) -> list[tuple[str, bytes]]:
    """A tar of one pack of tokens with one image."""
    ids = [1, 32001, *[32000] * 256, 32002, 5, 6]
    fields = {"input_ids": ids, "loss_mask": [0] * len(ids), "text": ["<s>hello</s>"], "image": ["0"], **changes}
    return [("0-0.json", json.dumps(fields).encode()), ("0-0.0.jpg", picture())]


def frames_of(**changes) -> list[tuple[str, bytes]]:
    fields = {"prompt": "<image>", "txt": "", "image_name_list": ["0-0"], **changes}
    return [("0.json", json.dumps(fields).encode()), ("0.0.jpg", picture())]


PAYLOADS = {
    "json": [("0.json", b"{"), ("0.0.jpg", picture())],
    "image": [("0.json", b"{}"), ("0.0.jpg", picture()[:-40])],
    "image_missing": frames_of(image_name_list=["0-1"]),
    "image_count": frames_of(prompt="<image><image>"),
    "mask_length": token_pack(loss_mask=[0, 1]),
    "too_long": token_pack(input_ids=[1] * 8000, loss_mask=[1] * 8000, image=[]),
    "image_borders": token_pack(input_ids=[32001], loss_mask=[0], image=[]),
    "image_patches": token_pack(image=["0", "1"]),
}
"""Rules that only `check: full` can find broken."""


def test_001_f16_the_index_lists_every_tar_with_its_samples_in_a_pickle_of_plain_types(tmp_path: Path) -> None:
    video = footage.video(seconds=0.4, fps=10, size=(64, 48))
    made = packed(PackBlock(samples_per_tar=2), [video_item(video, n) for n in range(5)], tmp_path / "set")
    out = presented(tar_items(made), tmp_path)
    data = (out / "index.pkl").read_bytes()
    rows = pickle.loads(data)
    assert rows == [
        {"url": f"../../{ROOT}/0001/shard-0-0-5-{number}.tar", "nsamples": count}
        for number, count in enumerate([2, 2, 1])
    ]
    assert rows == json.loads((out / "index.json").read_text())
    operations = list(pickletools.genops(data))
    assert max(operation.proto for operation, _, _ in operations) <= 4
    assert not {"GLOBAL", "STACK_GLOBAL", "REDUCE"} & {operation.name for operation, _, _ in operations}


def test_the_index_of_a_source_keeps_absolute_addresses(tmp_path: Path) -> None:
    rows = [
        Item("a", 0, "a", 1.0, Media("s3://bucket/a.tar", 1), fields={"samples": 3}),
        Item("b", 1, "b", 1.0, Media("/folder/b.tar", 1), fields={"samples": 4}),
    ]
    read = json.loads((presented(rows, tmp_path) / "index.json").read_text())
    assert [row["url"] for row in read] == ["s3://bucket/a.tar", "/folder/b.tar"]


def test_an_export_makes_the_ways_to_its_tars_absolute_and_no_other(tmp_path: Path) -> None:
    rows = [
        Item("a", 0, "a", 1.0, Media("s3://bucket/a.tar", 1), fields={"samples": 3}),
        Item("b", 1, "b", 1.0, Media(f"{ROOT}/0001/b.tar", 1), fields={"samples": 4}),
    ]
    out = presented(rows, tmp_path)
    for name in ("index.pkl", "index.json"):
        IndexStage(IndexBlock()).localise(out / name, out)
    expected = [
        {"url": "s3://bucket/a.tar", "nsamples": 3},
        {"url": str(out / ROOT / "0001/b.tar"), "nsamples": 4},
    ]
    assert json.loads((out / "index.json").read_text()) == expected
    assert pickle.loads((out / "index.pkl").read_bytes()) == expected


def test_001_f17_counting_is_what_webdataset_counts(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar")
    for check in ("structure", "full"):
        result = looked_at(path, tmp_path / check, check=check)
        assert isinstance(result, Done)
        assert result.items[0].fields == {"samples": len(stock(path))}
        assert result.items[0].media.uri == str(path)


@pytest.mark.parametrize("rule", sorted(TARS.keys() - {"dashed_frames"}))
def test_001_f17_a_bad_tar_is_named_with_the_rule_that_it_breaks(tmp_path: Path, rule: str) -> None:
    TARS[rule](tmp_path)
    result = looked_at(tmp_path / "a.tar", tmp_path)
    assert isinstance(result, Failed)
    assert result.reason == "bad_tar"
    assert str(tmp_path / "a.tar") in result.message
    assert rule in result.message


@pytest.mark.parametrize("rule", sorted(PAYLOADS))
def test_001_f18_the_pair_check_opens_samples_and_names_what_is_wrong(tmp_path: Path, rule: str) -> None:
    path = tar(tmp_path / "a.tar", PAYLOADS[rule])
    assert isinstance(looked_at(path, tmp_path / "structure"), Done)
    result = looked_at(path, tmp_path / "full", check="full")
    assert isinstance(result, Failed)
    assert f"{path}: {rule}: " in result.message


@pytest.mark.parametrize("members", [token_pack(), frames_of(), GOOD], ids=["tokens", "frames", "two"])
def test_001_f18_good_pairs_pass(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    assert isinstance(looked_at(tar(tmp_path / "a.tar", members), tmp_path, check="full"), Done)


def test_001_f18_one_bad_tar_stops_no_other(tmp_path: Path) -> None:
    TARS["truncated"](tmp_path)
    tar(tmp_path / "b.tar")
    inputs = [Input(tar_item(tmp_path / name, n), n) for n, name in enumerate(("a.tar", "b.tar"))]
    bad, good = IndexStage(IndexBlock()).process(inputs, Desk(tmp_path / "work"))
    assert isinstance(bad, Failed)
    assert isinstance(good, Done)


def test_a_tar_with_fewer_samples_than_were_packed_is_bad(tmp_path: Path) -> None:
    result = looked_at(tar(tmp_path / "a.tar"), tmp_path, fields={"samples": 3})
    assert isinstance(result, Failed)
    assert "sample_count" in result.message


def test_tars_of_the_original_pipeline_are_counted_as_its_reader_counts(tmp_path: Path) -> None:
    TARS["dashed_frames"](tmp_path)
    result = looked_at(tmp_path / "a.tar", tmp_path, check="full")
    assert isinstance(result, Done)
    assert result.items[0].fields["samples"] == 2


def test_a_row_names_three_problems_and_counts_the_rest(tmp_path: Path) -> None:
    members = [(f"{number}.json", b"{") for number in range(10)]
    result = looked_at(tar(tmp_path / "a.tar", members), tmp_path, check="full")
    assert isinstance(result, Failed)
    assert result.message.count("json: ") == 3
    assert result.message.endswith("; and 7 more")


def test_a_preview_shows_texts_and_images_of_the_first_samples(tmp_path: Path) -> None:
    result = looked_at(tar(tmp_path / "a.tar", token_pack()), tmp_path, preview="100%")
    assert isinstance(result, Done)
    text, sheet = result.items[0].files
    assert (text.name, sheet.name) == ("previews/000000.txt", "previews/000000.png")
    assert "<s>hello</s>" in text.path.read_text()
    assert "input_ids: 261" in text.path.read_text()
    with Image.open(sheet.path) as image:
        assert image.size == (256, 160)


def test_a_preview_of_packed_videos_shows_their_frames(tmp_path: Path) -> None:
    video = footage.video(seconds=1, fps=16, size=(320, 192), audio=False)
    (made,) = packed(PackBlock(), [video_item(video, n, text=f"caption {n}") for n in range(2)], tmp_path / "set")
    result = looked_at(made.file.path, tmp_path, preview="1")
    assert isinstance(result, Done)
    text, sheet = result.items[0].files
    assert "caption 1" in text.path.read_text()
    with Image.open(sheet.path) as image:
        assert image.size == (8 * 256, 2 * 160)
        assert np.asarray(image)[:, -200:].any()


def test_a_preview_of_what_cannot_be_shown_says_so_and_fails_nothing(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", [("0.json", b"{"), ("0.0.jpg", b"no image"), ("0.mp4", b"no video")])
    path = tar(tmp_path / "b.tar", [("0.json", b"{"), ("0.0.jpg", b"no image")])
    result = looked_at(path, tmp_path, preview="100%")
    assert isinstance(result, Done)
    (text,) = result.items[0].files
    assert "0.jpg: cannot be shown" in text.path.read_text()


def test_a_share_of_the_tars_gets_a_preview_and_the_same_ones_when_the_set_grows(tmp_path: Path) -> None:
    paths = [tar(tmp_path / f"{number}.tar") for number in range(60)]

    def shown(share: str, count: int, where: str) -> list[int]:
        found = []
        for number, path in enumerate(paths[:count]):
            result = looked_at(path, tmp_path / where / str(number), number=number, preview=share)
            assert isinstance(result, Done)
            if result.items[0].files:
                found.append(number)
        return found

    some = shown("20%", 60, "all")
    assert 3 <= len(some) <= 25
    assert shown("20%", 30, "half") == [number for number in some if number < 30]
    assert shown("4", 60, "number") == [0, 1, 2, 3]
    assert shown("0", 60, "none") == []
