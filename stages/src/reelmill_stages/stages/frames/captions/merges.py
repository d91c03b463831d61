"""CLIP's list of merges: the one that comes with reelmill, or a file of one's own in the same format.

The first line is a title. Each further line names two symbols that become one, the pair that goes first first. A
symbol is made of characters that stand for bytes, and ends with `</w>` where it ends a word.
"""

import gzip
from importlib.resources import files
from pathlib import Path

Merges = list[tuple[str, str]]

LIMIT = 49152 - 256 - 2
"""Merges that CLIP uses. The file that OpenAI published holds more."""


def shipped() -> Merges:
    """OpenAI's own; see NOTICE."""
    return parse(gzip.decompress(files(__package__).joinpath("clip_merges.txt.gz").read_bytes()))


def read(path: Path) -> Merges:
    """Of a file that is not compressed. Raises OSError, ValueError."""
    return parse(path.read_bytes())


def parse(data: bytes) -> Merges:
    """Raises ValueError that names the line."""
    lines = data.decode().removesuffix("\n").split("\n")[1 : LIMIT + 1]
    if not lines:
        raise ValueError("it holds no merges")
    return [_pair(number, line) for number, line in enumerate(lines, 2)]


def _pair(number: int, line: str) -> tuple[str, str]:
    symbols = line.split()
    if len(symbols) != 2:
        raise ValueError(f"line {number} does not hold two symbols")
    return symbols[0], symbols[1]
