"""What a release is made of: the checkout's version, time and files."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


_VERSION = re.compile(r"(\d+\.\d+\.\d+)(?:(a|b|rc)(\d+))?(?:\.post(\d+))?(?:\.dev(\d+))?")


class ReleaseProblem(Exception):
    """Why no release can be made, and what to do."""


def version() -> str:
    """The version in `operator/pyproject.toml`, which `make generate` writes everywhere else."""
    return str(tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"])


def semantic(release: str) -> str:
    """A version of Python packages as Semantic Versioning writes it: `0.2.0rc1` is `0.2.0-rc.1`.

    It sorts as it does in Python, but that a `.post` of a final version, of which Semantic Versioning knows nothing, is
    metadata of the build: `0.2.0.post1` is `0.2.0+post.1`. Raises ReleaseProblem for a version of another form.
    """
    found = _VERSION.fullmatch(release)
    if found is None:
        raise ReleaseProblem(f"{release} is no version of a release: write 0.2.0, 0.2.0rc1, 0.2.0.post1 or 0.2.0.dev1")
    number, word, count, post, dev = found.groups()
    # Numbers sort before words: what is still developed comes before `a.0`, and `rc.1.0.dev.2` would come after `rc.1`.
    before = f"{word}.{count}" if word else ""
    if post and (before or dev):
        raise ReleaseProblem(f"{release} cannot be written as a semantic version: release it as another number")
    if dev:
        before = f"{word}.{int(count) - 1}.dev.{dev}" if word and int(count) else f"0.dev.{dev}" if not word else ""
        if not before:
            raise ReleaseProblem(f"{release} cannot be written as a semantic version: begin with {word}1")
    return f"{number}{'-' if before else ''}{before}{f'+post.{post}' if post else ''}"


def commit_time() -> int:
    """Seconds since 1970: SOURCE_DATE_EPOCH, or when the commit was made."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    if not given.isdecimal():
        raise ReleaseProblem(f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, not {given!r}")
    return int(given)


def tracked(folder: str) -> list[Path]:
    """The files of a folder that git knows, sorted."""
    return [ROOT / name for name in sorted(git("ls-files", "-z", folder).split("\0")) if name]


def git(*words: str) -> str:
    """What git says about the checkout. Raises ReleaseProblem."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"git {words[0]} failed, and a release is made from a git checkout: {done.stderr.strip()}")
    return done.stdout
