"""A terminal for tests: one command in this process, its exit code and what it printed."""

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from reelmill.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


def reelmill(*arguments: object) -> Said:
    """Run one command."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return Said(int(end.value.code or 0), out.getvalue(), err.getvalue())


PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: store}
  sources:
  - name: raw
    files: {uri: videos}
  stages:
  - name: spans
    clip: {by: length, length: 1s, mode: virtual}
    failures: {tolerate: 40%}
  - name: pictures
    frames: {count: 2, layout: jpg, width: 32, height: 16}
"""


def write(folder: Path, text: str = PIPELINE) -> Path:
    """A pipeline file; its store and its videos are meant to lie beside it."""
    path = folder / "pipeline.yaml"
    path.write_text(text)
    return path


def lines(text: str) -> Iterator[str]:
    """Lines without the blanks that fill a table's last column."""
    return (line.rstrip() for line in text.splitlines())
