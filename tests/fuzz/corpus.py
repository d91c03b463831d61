"""The corpus: inputs of every target, a folder each. Seeds are made by `fuzz.seeds`, the others were found."""

import hashlib
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def folder(target: str) -> Path:
    """The inputs of a target."""
    return CORPUS / target


def inputs(target: str) -> list[Path]:
    """Its inputs, in an order that does not change."""
    return sorted(path for path in folder(target).glob("*") if path.is_file())


def add(target: str, data: bytes) -> Path:
    """Keep an input, under the digest of its content."""
    path = folder(target) / hashlib.sha1(data, usedforsecurity=False).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
