"""Images of unknown origin: the formats that are opened, the limits, and that nothing else is ever started."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import reelmill_stages
from pack.broken_tars import tar
from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.stage import Failed, Input
from reelmill_stages.stages.grid.pixels import pixels
from reelmill_stages.stages.index.stage import IndexStage
from reelmill_stages.stages.tokenize.pictures import fitted
from reelmill_stages.untrusted.images import MAX_PIXELS, ImageError, image_fault, open_image, rgb_image
from worker_desk import Desk

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n(out) (w) file closefile showpage\n%%EOF\n"


def encoded(form: str, mode: str = "RGB", size: tuple[int, int] = (16, 8), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, format=form, **options)
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    """A bomb: a header of so many pixels, and few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(((width + 7) // 8 + 1) * min(height, 20)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_usual_formats_are_opened_whatever_the_file_is_called(tmp_path: Path, form: str) -> None:
    (tmp_path / "x.jpg").write_bytes(encoded(form))
    with open_image(tmp_path / "x.jpg") as image:
        assert image.convert("RGB").size == (16, 8)
    assert image_fault(encoded(form)) == ""


@pytest.mark.parametrize("form", ["PPM", "ICO", "TGA", "PCX", "SGI", "ICNS", "JPEG2000"])
def test_other_formats_are_no_images(form: str) -> None:
    with pytest.raises(ImageError) as caught, open_image(encoded(form, size=(32, 32))):
        pass
    assert caught.value.reason == "not_an_image"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", None])
def test_plain_tiffs_are_opened(compression: str | None) -> None:
    assert image_fault(encoded("TIFF", compression=compression)) == ""


def test_tiffs_of_fax_machines_are_not() -> None:
    assert image_fault(encoded("TIFF", "1", compression="group4")) == "the TIFF compression group4 is not supported"


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Ghostscript that notes that it was called."""
    log = tmp_path / "gs.log"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\necho 10.0.0\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return log


def test_postscript_called_jpg_never_starts_ghostscript(tmp_path: Path, ghostscript: Path) -> None:
    path = tar(tmp_path / "a.tar", [("1.json", b'{"image_name_list": ["1-0"], "prompt": "<image>"}'), ("1.0.jpg", EPS)])
    item = Item("a.tar", 0, "g", 1.0, Media(str(path), path.stat().st_size))
    stage = IndexStage(IndexBlock(check="full", preview="100%"))
    (failed,) = stage.process([Input(item, 0)], Desk(tmp_path / "work"))
    assert isinstance(failed, Failed)
    assert (
        "part '0.jpg' of sample 1 cannot be decoded: it is not an image in one of the formats JPEG, PNG"
        in failed.message
    )
    (tmp_path / "x.jpg").write_bytes(EPS)
    for opened in (lambda: pixels(tmp_path / "x.jpg", "crop", 224), lambda: fitted(EPS, 512, "keep", 90)):
        with pytest.raises(Exception, match="not an image in one of the formats JPEG"):
            opened()
    assert not ghostscript.exists()


def test_only_one_module_opens_images() -> None:
    root = Path(reelmill_stages.__file__).parent
    callers = [path.name for path in root.rglob("*.py") if "Image.open(" in path.read_text()]
    assert callers == ["images.py"]


@pytest.mark.parametrize("size", [(100_000, 100_000), (13_300, 13_300), (9460, 9460)])
def test_an_image_of_too_many_pixels_is_not_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError) as caught, open_image(png(*size)):
        pass
    assert caught.value.reason == "huge_image"
    assert size[0] * size[1] > MAX_PIXELS


@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, 400),
)
def test_damaged_images_have_a_fault_in_words_or_none(form: str, edits: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(encoded(form))
    for place, byte in edits:
        data[place % len(data)] = byte
    fault = image_fault(bytes(data[: max(1, len(data) - cut)]))
    assert "\n" not in fault


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_its_upper_8_bits(form: str, dtype: str) -> None:
    grey = np.arange(0, 1 << 16, 16).reshape(64, 64)
    out = io.BytesIO()
    Image.fromarray(grey.astype("<u2")).save(out, format=form)
    data = out.getvalue() if dtype == "<u2" or form == "PNG" else big_endian_tiff(grey)
    with open_image(data) as image:
        found = np.asarray(rgb_image(image))
    assert (found == (grey >> 8)[:, :, None]).all()
    assert (pixels(data, "squash", 64) == found).all()


@pytest.mark.parametrize(
    ("bits", "photometric", "what"), [(12, 1, "grey of 12 bits"), (16, 0, "grey of 16 bits of which 0 is white")]
)
def test_grey_tiff_that_pillow_does_not_scale_is_refused(bits: int, photometric: int, what: str) -> None:
    short, long = 3, 4
    size = 64 * 64 * bits // 8
    values = {256: 64, 257: 64, 258: bits, 259: 1, 262: photometric, 273: 200, 278: 64, 279: size}
    tags = b"".join(
        struct.pack("<HHIHH", tag, short, 1, value, 0) if tag != 279 else struct.pack("<HHII", tag, long, 1, value)
        for tag, value in values.items()
    )
    data = b"II*\0" + struct.pack("<IH", 8, len(values)) + tags + bytes(4)
    data = data.ljust(200, b"\0") + b"\xff" * size
    assert image_fault(data) == f"TIFF with {what} is not supported"
    with pytest.raises(ImageError) as caught:
        pixels(data, "squash", 8)
    assert caught.value.reason == "not_an_image"


def big_endian_tiff(grey: np.ndarray) -> bytes:
    """A TIFF of 64x64 pixels of 16 bits, in the byte order of Motorola."""
    short, long = 3, 4
    values = {256: 64, 257: 64, 258: 16, 259: 1, 262: 1, 273: 200, 278: 64, 279: 8192}
    tags = [(tag, long if tag in (273, 279) else short, value) for tag, value in values.items()]
    entries = b"".join(
        struct.pack(">HHIHH", tag, kind, 1, value, 0) if kind == short else struct.pack(">HHII", tag, kind, 1, value)
        for tag, kind, value in tags
    )
    head = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + grey.astype(">u2").tobytes()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_grey_of_32_bits_is_refused_in_words(mode: str) -> None:
    with pytest.raises(ImageError, match="32 bits per channel") as caught:
        pixels(encoded("TIFF", mode), "squash", 8)
    assert caught.value.reason == "not_an_image"
    with pytest.raises(ItemError, match="32 bits per channel"):
        fitted(encoded("TIFF", mode), 8, "keep", 90)


def test_every_picture_of_eight_bits_looks_the_same_in_every_mode_that_can_hold_it() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for mode, form in [("L", "PNG"), ("LA", "PNG"), ("RGB", "PNG"), ("RGBA", "WEBP"), ("P", "GIF"), ("RGB", "BMP")]:
        out = io.BytesIO()
        more = {"lossless": True, "exact": True} if form == "WEBP" else {}
        animated = {"save_all": True, "append_images": [Image.new(mode, (16, 16))]} if form in ("GIF", "WEBP") else {}
        Image.fromarray(grey).convert(mode).save(out, format=form, **more, **animated)
        with open_image(out.getvalue()) as image:
            assert (np.asarray(rgb_image(image)) == grey[:, :, None]).all(), (mode, form)
