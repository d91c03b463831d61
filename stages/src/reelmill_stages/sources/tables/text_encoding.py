"""Recognises metadata files that are not UTF-8 text as a whole, so that the error names the cause."""

import codecs

from reelmill.contract.errors import SpecError

_BEGINNINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32 text"),
    (codecs.BOM_UTF32_BE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    *((b"BZh%d1AY&SY" % level, "compressed with bzip2") for level in range(1, 10)),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1\x15", "a Parquet file"),
)


def refuse_other_than_utf8(data: bytes, where: str) -> None:
    """Raise SpecError for a file that begins as UTF-16, UTF-32, an archive or a compressed file."""
    what = next((name for beginning, name in _BEGINNINGS if data.startswith(beginning)), "")
    if not what and b"\0" in data[:2]:
        what = "UTF-16 text"  # without a byte order mark
    if what:
        raise SpecError(f"the file is {what}, not UTF-8 text", where=f"{where}:1", hint="save the file as UTF-8 text")
