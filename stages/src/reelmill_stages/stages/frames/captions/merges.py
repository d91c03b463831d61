"""CLIP's list of merges: the included one, or a custom file in the same format.

The first line is a title. Each other line contains two symbols to merge, in order of priority. A symbol consists of
characters that represent bytes, and ends with `</w>` at the end of a word.
"""

import gzip
from importlib.resources import files
from pathlib import Path

Merges = list[tuple[str, str]]

LIMIT = 49152 - 256 - 2
"""Number of merges that CLIP uses; the file published by OpenAI contains more."""


def shipped() -> Merges:
    """The merges of OpenAI's CLIP; see NOTICE."""
    return parse(gzip.decompress(files(__package__).joinpath("clip_merges.txt.gz").read_bytes()))


def read(path: Path) -> Merges:
    """Read an uncompressed file. Raises OSError and ValueError."""
    return parse(path.read_bytes())


def parse(data: bytes) -> Merges:
    """Parse a list of merges. Raises ValueError with the number of the line."""
    lines = data.decode().removesuffix("\n").split("\n")[1 : LIMIT + 1]
    if not lines:
        raise ValueError("it contains no merges")
    return [_parse_pair(number, line) for number, line in enumerate(lines, 2)]


def _parse_pair(number: int, line: str) -> tuple[str, str]:
    symbols = line.split()
    if len(symbols) != 2:
        raise ValueError(f"line {number} does not contain two symbols")
    return symbols[0], symbols[1]
