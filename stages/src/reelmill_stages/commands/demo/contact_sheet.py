"""A contact sheet: one row of frames for each sample, with its caption above."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from reelmill.contract.commands.demo import DemoSample, DemoSamples
from reelmill.contract.task import StoreRef
from reelmill.contract.text.terminal import printable
from reelmill_stages.records.data_set import open_data_set
from reelmill_stages.stages.frames.reader import OpenSample, open_samples
from reelmill_stages.store.open import open_store

NAME = "contact-sheet.png"
THUMB = (128, 80)
ACROSS = 8
MARGIN = 8
LABEL = 18


def read_back(folder: Path) -> DemoSamples:
    """Open the exported samples of a demo as a trainer does, and write a contact sheet of them."""
    texts = _captions(folder)
    samples = list(open_samples(folder / "samples"))
    draw([(sample, texts[sample.folder.name]) for sample in samples], folder / NAME)
    return DemoSamples(samples=[_sample_facts(sample) for sample in samples], sheet=NAME)


def draw(samples: Iterable[tuple[OpenSample, str]], path: Path) -> int:
    """Write a PNG; returns the number of samples on it. Frames are stored as BGR and shown as RGB."""
    lines = [(_line(sample), text) for sample, text in samples]
    height = LABEL + THUMB[1] + MARGIN
    sheet = Image.new("RGB", (ACROSS * THUMB[0] + 2 * MARGIN, len(lines) * height + MARGIN), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (line, text) in enumerate(lines):
        top = MARGIN + number * height
        pen.text((MARGIN, top), printable(text), fill="black", font=font)
        sheet.paste(line, (MARGIN, top + LABEL))
    sheet.save(path)
    return len(lines)


def _captions(folder: Path) -> dict[str, str]:
    """Sample folder -> caption, from the items of the data set."""
    data = open_data_set(open_store(StoreRef(uri=str(folder / "data")), env={}), "samples")
    return {Path(item.outputs[0].key).parent.name: str(item.fields["text"]) for item in data.items()}


def _sample_facts(sample: OpenSample) -> DemoSample:
    words = int((sample.tokens != sample.tokens[-1]).sum())
    return DemoSample(
        name=sample.folder.name, shape=list(sample.frames.shape), dtype=str(sample.frames.dtype), tokens=words
    )


def _line(sample: OpenSample) -> Image.Image:
    line = Image.new("RGB", (ACROSS * THUMB[0], THUMB[1]))
    step = max(len(sample.frames) // ACROSS, 1)
    for place, frame in enumerate(sample.frames[::step][:ACROSS]):
        line.paste(Image.fromarray(frame[:, :, ::-1].copy()).resize(THUMB), (place * THUMB[0], 0))
    return line
