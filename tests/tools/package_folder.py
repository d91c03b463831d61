"""Packages of a lock file in a separate folder, which tests that need them put on the module path.

Other tests cannot import them. `make prepare` installs a folder once per lock file and Python version. The lock file
names all packages, so nothing else is installed.
"""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """`name` is the name of the folder in the cache and in messages; `tier` is the tier that needs it."""

    name: str
    lock: Path
    tier: str = "store"

    def find(self) -> Path:
        """The folder. Raises Unavailable."""
        if not (home := self._home()).exists():
            raise not_prepared(self.name, self.tier)
        return home

    def make(self) -> None:
        """Install the packages, if they are missing. Raises Unavailable."""
        home = self._home()
        with locked(home.with_suffix(".lock")):
            if not home.exists():
                unfinished = home.with_suffix(".tmp")
                shutil.rmtree(unfinished, ignore_errors=True)
                uv = Path(sys.executable).with_name("uv")
                command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", unfinished]
                command += ["--require-hashes", "--no-deps", "-r", self.lock]
                output(command, f"the installation of {self.lock.name}")
                unfinished.rename(home)

    def _home(self) -> Path:
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]
        return CACHE / self.name / f"{digest}-py{sys.version_info.major}{sys.version_info.minor}"
