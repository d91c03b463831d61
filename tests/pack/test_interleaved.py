"""Interleaved documents in tars: every image at its placeholder, for both readers and for the tokens."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pack.desk import packed, presented, processed, video_item
from pack.readers import document, names, patched, stock
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.pipeline import Spec
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.plan.definition.graph import SpecErrors, resolve
from reelmill_stages.stage import Failed
from reelmill_stages.stages.tokenize.tar_samples import read_samples
from reelmill_stages.stages.tokenize.turns import IMAGE
from reelmill_stages.tar.buffered_reads import BufferedReads

BLOCK = PackBlock(sampler="interleave", samples_per_tar=2)
TURNS = [
    {"from": "human", "value": "<image><image>#0.0-1.0#"},
    {"from": "gpt", "value": "first"},
    {"from": "human", "value": "<image>#1.0-2.0#"},
    {"from": "gpt", "value": "then"},
]


def image(path: Path, shade: int, size: tuple[int, int] = (24, 16), **saved: Any) -> Path:
    Image.fromarray(np.full((size[1], size[0], 3), shade, np.uint8)).save(path, **saved)
    return path


def document_item(*images: Path | tuple[int, int], turns: Any = TURNS, ordinal: int = 0) -> Item:
    pictures = [
        {"uri": str(each), "size": each.stat().st_size, "source": "raw"} if isinstance(each, Path) else {"blank": each}
        for each in images
    ]
    return Item(f"d{ordinal}", ordinal, f"d{ordinal}", 1.0, fields={"images": pictures, "conversations": turns})


def test_a_document_is_a_sample_with_all_its_images_in_order(tmp_path: Path) -> None:
    one, other = image(tmp_path / "0.jpg", 200, quality=60), image(tmp_path / "1.png", 30)
    (made,) = packed(BLOCK, [document_item(one, (12, 8), other)], tmp_path / "set")
    assert names(made.file.path) == ["000000000.json", "000000000.0.jpg", "000000000.1.jpg", "000000000.2.jpg"]
    (sample,) = stock(made.file.path)
    assert document(sample) == {"conversations": TURNS, "image_name_list": [f"000000000-{n}" for n in range(3)]}
    assert sample["0.jpg"] == one.read_bytes()
    shades = []
    for place in range(3):
        with Image.open(io.BytesIO(sample[f"{place}.jpg"])) as picture:
            assert picture.format == "JPEG"
            shades.append((picture.size, round(float(np.asarray(picture).mean()))))
    assert shades == [((24, 16), 200), ((12, 8), 0), ((24, 16), 30)]
    assert [{**each, "__url__": None, "__local_path__": None} for each in patched(made.file.path)] == [
        {name: value for name, value in sample.items() if not name.startswith("__")}
        | {"__key__": sample["__key__"], "__url__": None, "__local_path__": None}
    ]


def test_tokens_find_every_image_at_its_placeholder(tmp_path: Path) -> None:
    item = document_item(image(tmp_path / "0.jpg", 1), image(tmp_path / "1.jpg", 2), image(tmp_path / "2.jpg", 3))
    (made,) = packed(BLOCK, [item], tmp_path / "set")
    with BufferedReads(made.file.path) as reads:
        (sample,) = read_samples(reads)
    assert [turn.pieces.count(IMAGE) for turn in sample.turns] == [2, 0, 1, 0]
    assert [turn.learned for turn in sample.turns] == [False, True, False, True]


def test_images_are_upright_and_no_larger_than_asked(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image(tmp_path / "turned.jpg", 90, exif=exif)
    large = image(tmp_path / "large.jpg", 90, (100, 50))
    block = PackBlock(sampler="interleave", max_side=50)
    (made,) = packed(block, [document_item(turned, large, (400, 200))], tmp_path / "set")
    (sample,) = stock(made.file.path)
    sizes = [Image.open(io.BytesIO(sample[f"{place}.jpg"])).size for place in range(3)]
    assert sizes == [(16, 24), (50, 25), (50, 25)]


def test_a_broken_image_costs_its_document_alone(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(image(tmp_path / "good.jpg", 9, (64, 64)).read_bytes()[:300])
    items = [document_item(bad), document_item(tmp_path / "good.jpg", ordinal=1), document_item(ordinal=2, turns=TURNS)]
    results = [result for _, result in processed(BLOCK, items, tmp_path / "work")]
    assert isinstance(results[0], Failed)
    assert results[0].reason == "damaged_image"
    assert "image 0" in results[0].message
    assert str(bad) in results[0].message
    made = packed(BLOCK, items, tmp_path / "set")
    assert [sample["__key__"] for one in made for sample in stock(one.file.path)] == ["000000001", "000000002"]
    presented(BLOCK, made, tmp_path / "set")


def test_a_sampler_of_videos_says_that_a_document_has_none_and_the_other_way_round(tmp_path: Path) -> None:
    for block, item, expected in (
        (PackBlock(sampler="un"), document_item(), "is a document without a video"),
        (BLOCK, video_item(image(tmp_path / "a.jpg", 1)), "is not a document"),
    ):
        ((_, result),) = processed(block, [item], tmp_path / block.sampler)
        assert isinstance(result, Failed)
        assert expected in result.message


@pytest.mark.parametrize(
    ("source", "stage", "wrong"),
    [
        ("documents", {"pack": {"sampler": "interleave"}}, ""),
        ("documents", {"pack": {"sampler": "kf"}}, "the sampler kf packs videos, but 'raw' lists documents"),
        ("documents", {"frames": {}}, "a frames stage reads"),
        ("files", {"pack": {"sampler": "interleave"}}, "the sampler interleave packs documents"),
    ],
)
def test_a_sampler_that_does_not_fit_its_input_is_refused_before_a_run(
    source: str, stage: dict[str, Any], wrong: str
) -> None:
    blocks = {
        "documents": {"dataset": "merlin-s", "uri": "a.json", "images": "images/"},
        "files": {"uri": "videos/"},
    }
    spec = Spec.model_validate(
        {
            "store": {"uri": "data"},
            "sources": [{"name": "raw", source: blocks[source]}],
            "stages": [{"name": "tars", **stage}],
        }
    )
    if not wrong:
        assert list(resolve(spec).stages) == ["tars"]
        return
    with pytest.raises(SpecErrors, match=wrong):
        resolve(spec)
