"""Previews of tars: the texts of the first samples, and a contact sheet of their images.

Tars are selected by their keys (or, with a fixed number, by their positions), so that previews are stable when the data
set grows.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from reelmill.contract.errors import ItemError
from reelmill.contract.text.terminal import printable
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import File, Input
from reelmill_stages.stages.index.content_check import Payloads, fields
from reelmill_stages.stages.index.sample_text import formatted_sample
from reelmill_stages.tar.samples import IMAGES, Sample
from reelmill_stages.tokens.tokenizer import Tokenizer
from reelmill_stages.untrusted.images import open_image, rgb_image

SAMPLES = 4
"""Number of samples in a preview."""
THUMBNAIL = (256, 160)
COLUMNS = 8
VIDEOS = frozenset({"mp4", "mkv", "webm", "avi", "mov", "mpeg"})
FRAMES = 8
"""Number of frames of a packed video."""


def is_shown(share: str, input_: Input) -> bool:
    """Return whether a tar is in the `share` (`1%`, or `20` for the first 20) with a preview."""
    if not share.endswith("%"):
        return input_.number < int(share)
    chance = int.from_bytes(hashlib.sha256(input_.item.key.encode()).digest()[:8], "big") / 2**64
    return chance < float(share[:-1]) / 100


def preview(
    name: str, tar: Path, samples: Sequence[Sample], scratch: Path, tokenizer: Tokenizer | None = None
) -> tuple[File, ...]:
    """Write `previews/<name>.txt` and, if there are images, `previews/<name>.png`.

    A part that cannot be shown is mentioned in the text. With a tokenizer, packs of tokens are shown as text, and so
    are the tokens with a loss.
    """
    payloads = Payloads(tar)
    texts: list[str] = []
    rows: list[Sequence[Image.Image]] = []
    try:
        for sample in samples:
            texts.append(formatted_sample(sample, fields(sample, payloads), tokenizer))
            images: list[Image.Image] = []
            for part in sample.parts:
                try:
                    images += _images(part, payloads.read(sample, part), scratch)
                except ItemError as error:
                    texts[-1] += f"\n{part}: cannot be shown: {error}"
            rows += [images[place : place + COLUMNS] for place in range(0, len(images), COLUMNS)]
    finally:
        payloads.close()
    made = [File(f"previews/{name}.txt", scratch / "preview.txt")]
    made[0].path.write_text(
        printable("\n\n".join(texts), keep="\n\t") + "\n", encoding="utf-8", errors="backslashreplace"
    )
    if rows:
        made.append(File(f"previews/{name}.png", scratch / "preview.png"))
        _sheet(rows).save(made[1].path)
    return tuple(made)


def _images(part: str, data: bytes, scratch: Path) -> list[Image.Image]:
    last = part.rpartition(".")[2]
    if last in IMAGES:
        with open_image(data) as image:
            return [_thumbnail(image)]
    if last in VIDEOS:
        video = scratch / "preview.video"
        video.write_bytes(data)
        return _frames(video)
    return []


def _frames(video: Path) -> list[Image.Image]:
    timeline = read_timeline(video)
    step = max(1, len(timeline) // FRAMES)
    found = []
    turned = Turned(timeline.shape)
    for picture in decode(video, timeline, range(len(timeline))[step // 2 :: step][:FRAMES]):
        upright = turned.of(picture.frame)
        width, height = shown_size(picture.frame, upright)
        pixels = render(picture.frame, turned=upright, width=width, height=height)
        found.append(_thumbnail(Image.fromarray(pixels)))
    return found


def _thumbnail(image: Image.Image) -> Image.Image:
    small = rgb_image(image)
    small.thumbnail(THUMBNAIL)
    return small


def _sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    width, height = THUMBNAIL
    sheet = Image.new("RGB", (width * max(len(row) for row in rows), height * len(rows)))
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            sheet.paste(image, (across * width, down * height))
    return sheet
