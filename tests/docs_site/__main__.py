"""`make docs`: the site, in build/site. Any link that leads nowhere is an error.

make docs                       build it
make docs ARGS="serve"          serve it on http://127.0.0.1:8000 while you write
make docs ARGS="publish 0.2.0"  commit it to the branch gh-pages, as a version beside the others and as `latest`
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_site.mermaid import SCRIPT
from docs_site.packages import MKDOCS

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The environment of MkDocs: its packages, and the script for diagrams."""
    script = str(SCRIPT) if SCRIPT.exists() else ""
    path = os.pathsep.join([str(MKDOCS.find()), str(ROOT / "tests")])
    return {**os.environ, "PYTHONPATH": path, "REELMILL_MERMAID": script, "NO_MKDOCS_2_WARNING": "1"}


def publish(version: str, *options: str) -> int:
    """Commit the site of a version to the branch gh-pages, with mike; options are mike's. Returns its exit status.

    `latest`, and the first page of the site, lead to this version.
    """
    with tempfile.TemporaryDirectory() as programs:
        # mike starts a program called mkdocs. That of the packages names the Python of whoever installed them.
        program = Path(programs) / "mkdocs"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mkdocs "$@"\n')
        program.chmod(0o755)
        path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
        chosen = {**environment(), "REELMILL_DOCS_VERSIONS": "mike", "PATH": path}
        for command in (["deploy", "--update-aliases", version, "latest"], ["set-default", "latest"]):
            mike = [sys.executable, "-c", "import mike.driver; raise SystemExit(mike.driver.main())"]
            done = subprocess.run([*mike, *command, *options], cwd=ROOT, env=chosen, check=False)
            if done.returncode:
                return done.returncode
    return 0


def main() -> int:
    match sys.argv[1:]:
        case ["publish", version, *options]:
            return publish(version, *options)
        case ["publish"]:
            print('docs: which version? make docs ARGS="publish 0.2.0"', file=sys.stderr)
            return 2
    command = sys.argv[1:] or ["build", "--strict"]
    done = subprocess.run([sys.executable, "-m", "mkdocs", *command], cwd=ROOT, env=environment(), check=False)
    if not done.returncode and not sys.argv[1:]:
        print(f"{ROOT / 'build/site/index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
