"""`make docs`: the site, in build/site. Any link that leads nowhere is an error.

make docs                       build it
make docs ARGS="serve"          serve it on http://127.0.0.1:8000 while you write
"""

import os
import subprocess
import sys
from pathlib import Path

from docs_site.mermaid import SCRIPT
from docs_site.packages import MKDOCS

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The environment of MkDocs: its packages, and the script for diagrams."""
    script = str(SCRIPT) if SCRIPT.exists() else ""
    path = os.pathsep.join([str(MKDOCS.find()), str(ROOT / "tests")])
    return {**os.environ, "PYTHONPATH": path, "REELMILL_MERMAID": script, "NO_MKDOCS_2_WARNING": "1"}


def main() -> int:
    command = sys.argv[1:] or ["build", "--strict"]
    done = subprocess.run([sys.executable, "-m", "mkdocs", *command], cwd=ROOT, env=environment(), check=False)
    if not done.returncode and not sys.argv[1:]:
        print(f"{ROOT / 'build/site/index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
