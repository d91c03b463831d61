"""A contact sheet: one line of frames for each sample, its caption above."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from reelmill.contract.text.terminal import printable
from reelmill_stages.stages.frames.reader import OpenSample

THUMB = (128, 80)
ACROSS = 8
MARGIN = 8
LABEL = 18


def contact_sheet(samples: Iterable[tuple[OpenSample, str]], path: Path) -> int:
    """Write a PNG; gives the number of samples on it. Frames are stored blue first and turned round for the eye."""
    lines = [(_line(sample), text) for sample, text in samples]
    height = LABEL + THUMB[1] + MARGIN
    sheet = Image.new("RGB", (ACROSS * THUMB[0] + 2 * MARGIN, len(lines) * height + MARGIN), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (line, text) in enumerate(lines):
        top = MARGIN + number * height
        draw.text((MARGIN, top), printable(text), fill="black", font=font)
        sheet.paste(line, (MARGIN, top + LABEL))
    sheet.save(path)
    return len(lines)


def _line(sample: OpenSample) -> Image.Image:
    line = Image.new("RGB", (ACROSS * THUMB[0], THUMB[1]))
    step = max(len(sample.frames) // ACROSS, 1)
    for place, frame in enumerate(sample.frames[::step][:ACROSS]):
        line.paste(Image.fromarray(frame[:, :, ::-1].copy()).resize(THUMB), (place * THUMB[0], 0))
    return line
