"""Run the unit tier with the other supported versions of Python, each in a separate environment.

Tests of the repository are left out, because its files are the same for every version, and property-based tests draw
fewer examples: what differs is the interpreter, not the inputs.

A version that is not installed is skipped with a message. An interpreter counts only if it runs, which shims of version
managers may not.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.12", "3.13")
PROBE = "import sys, venv; print('%d.%d' % sys.version_info[:2])"


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter of a version may be."""
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))
    if uv := shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        find = [uv, "python", "find", "--no-project", "--no-python-downloads", version]
        yield from subprocess.run(find, capture_output=True, text=True, check=False).stdout.splitlines()


def interpreter(version: str) -> str | None:
    """The first interpreter that runs and has the version."""
    for path in candidates(version):
        done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


def main() -> int:
    """Exit status: 1 if a version's tests fail, else 0."""
    failed = []
    for version in VERSIONS:
        path = interpreter(version)
        if path is None:
            print(f"Python {version}: not on this machine, passed over", flush=True)
            continue
        print(f"Python {version}: unit tier with {path}", flush=True)
        venv = f".venv-{version}"
        test = [f"{venv}/bin/pytest", "-q", "--ignore=tests/repo", "--hypothesis-profile=few", *sys.argv[1:]]
        environment = {**os.environ, "REELMILL_TIERS": "unit", "REELMILL_REQUIRE": "unit"}
        for command in (["make", "install", f"VENV={venv}", f"PYTHON={path}"], test):
            if subprocess.run(command, env=environment, check=False).returncode:
                failed.append(version)
                break
    if failed:
        print(f"failed under Python {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
