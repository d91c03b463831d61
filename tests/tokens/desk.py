"""Tars of samples in, tars of packs out, without a store: what tests of `tokenize` begin with."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from pack.desk import stretches
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import Assembled, Done, Input, Kept, Result, Shard
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from reelmill_stages.tar.write import TarWriter
from tokens import models
from worker_desk import Desk


def picture(shade: int = 0, size: tuple[int, int] = (32, 24), kind: str = "JPEG") -> bytes:
    """A small image."""
    out = io.BytesIO()
    Image.new("RGB", size, (shade % 256, 90, 160)).save(out, format=kind)
    return out.getvalue()


def sample(text: str = "two dogs run over the grass", images: int = 1, **changes: Any) -> dict[str, Any]:
    """A sample of the sampler `un`: json fields, and the bytes of images by part name."""
    fields = {"prompt": "<image>" * images, "txt": text, "info": {}, **changes}
    return {"json": fields, **{f"{place}.jpg": picture(place) for place in range(images)}}


def tar(path: Path, samples: Sequence[dict[str, Any]]) -> Path:
    """A tar as `pack` writes it: `image_name_list` follows from the images unless given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TarWriter(path) as made:
        for number, one in enumerate(samples):
            key = f"{number:09d}"
            images = [name for name in one if name != "json"]
            names = [f"{key}-{name.partition('.')[0]}" for name in images]
            fields = one["json"]
            if isinstance(fields, dict):
                fields = json.dumps({"image_name_list": names, **fields}).encode()
            made.add(f"{key}.json", fields)
            for name in images:
                made.add(f"{key}.{name}", one[name])
    return path


def block(
    folder: Path, kind: str = "sentencepiece", model: dict[str, Any] | None = None, **fields: Any
) -> TokenizeBlock:
    """A block with a tokenizer of its own."""
    path = models.write(folder / "tokenizer", kind, **(model or {}))
    return TokenizeBlock(tokenizer=FileRef(uri=str(path)), **fields)


def processed(made: TokenizeBlock, tars: Iterable[Path], folder: Path, first: int = 0) -> list[tuple[Input, Result]]:
    """Every tar through `process`."""
    stage = TokenizeStage(made)
    results = []
    for number, path in enumerate(tars, first):
        item = Item(path.name, number, path.name, 1.0, Media(str(path), path.stat().st_size))
        input_ = Input(item, number)
        results.append((input_, *stage.process([input_], Desk(folder / f"work-{number}"))))
    return results


def packed(
    made: TokenizeBlock, tars: Sequence[Path], folder: Path, *, shards: int = 1, first: int = 0
) -> list[Assembled]:
    """A whole pass: output tars lie in `folder`."""
    results = processed(made, tars, folder.parent / f"{folder.name}-work", first)
    folder.mkdir(parents=True, exist_ok=True)
    out: list[Assembled] = []
    for index, (begin, end) in enumerate(stretches(len(results), shards, made.batch)):
        kept = [Kept(input_, result) for input_, result in results[begin:end] if isinstance(result, Done)]
        shard = Shard(index, shards, first + begin, end - begin, 1, folder, lambda uri, digest="": Path(uri))
        out += TokenizeStage(made).assemble(iter(kept), shard)
    return out


def packs(made: Iterable[Assembled]) -> Iterator[tuple[str, dict[str, Any], dict[str, bytes]]]:
    """(key, json, images by number) of all packs, as stock webdataset sees them."""
    from pack.readers import stock

    for one in made:
        for found in stock(one.file.path):
            images = {name.partition(".")[0]: found[name] for name in found if name.endswith(".jpg")}
            yield found["__key__"], json.loads(found["json"]), images
