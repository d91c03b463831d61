"""Copies the version of a release from operator/pyproject.toml to all other places (`make generate`)."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "operator/pyproject.toml"
NUMBER = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
PLACES = {
    "operator/src/reelmill/__init__.py": (r'__version__ = "(@)"',),
    "stages/pyproject.toml": (r'^version = "(@)"', r'"reelmill==(@)"'),
    "charts/reelmill/Chart.yaml": (r"^version: (@)", r"^appVersion: (@)", r"reelmill-\w+:(@)"),
    "images/operator/Dockerfile": (r"^ARG VERSION=(@)",),
    "images/stages/Dockerfile": (r"^ARG VERSION=(@)",),
    "images/README.md": (r"--tag (@)",),
    "docs/first-pipeline-on-kind.md": (r"reelmill-\w+:(@)",),
    "manifests/README.md": (r"reelmill-\w+:(@)", r"newTag: (@)"),
    "manifests/base/deployment.yaml": (r"reelmill-\w+:(@)",),
    "manifests/samples/run/Dockerfile": (r"reelmill-\w+:(@)",),
}
"""File -> patterns of the lines that name the version; `@` stands for it."""


def version() -> str:
    """The version in `operator/pyproject.toml`."""
    return str(tomllib.loads((ROOT / SOURCE).read_text())["project"]["version"])


def places(name: str, text: str) -> list[tuple[int, int]]:
    """The places of the version in the text of a file. Raises ValueError if a pattern does not match."""
    spans: list[tuple[int, int]] = []
    for pattern in PLACES[name]:
        found = [match.span(1) for match in re.finditer(pattern.replace("@", NUMBER), text, re.MULTILINE)]
        if not found:
            raise ValueError(f"{name}: nothing looks like {pattern}")
        spans += found
    return sorted(spans)


def rendered(wanted: str) -> dict[str, str]:
    """Every file of PLACES with this version in it."""
    texts = {}
    for name in PLACES:
        text = (ROOT / name).read_text()
        for begin, end in reversed(places(name, text)):
            text = text[:begin] + wanted + text[end:]
        texts[name] = text
    return texts


if __name__ == "__main__":
    for name, text in rendered(version()).items():
        (ROOT / name).write_text(text)
