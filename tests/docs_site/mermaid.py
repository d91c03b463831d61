"""The script that draws diagrams, from its npm package, so that readers of the site need no other host."""

import io
import shutil
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.cache import CACHE, locked
from tools.command import output

VERSION = "11.12.0"
_MEMBER = "package/dist/mermaid.min.js"


SCRIPT = CACHE / "mkdocs" / f"mermaid-{VERSION}.min.js"
"""Missing without npm: the site then loads it from the theme's default host."""


def make() -> None:
    """Download the script, if it is missing and npm is there. Raises Unavailable if the registry cannot be reached."""
    npm = shutil.which("npm")
    with locked(SCRIPT.with_suffix(".lock")):
        if not SCRIPT.exists() and npm:
            with TemporaryDirectory() as folder:
                command = [npm, "pack", f"mermaid@{VERSION}", "--silent", "--pack-destination", folder]
                output(command, "the download of mermaid")
                (packed,) = Path(folder).iterdir()
                with tarfile.open(fileobj=io.BytesIO(packed.read_bytes())) as archive:
                    member = archive.extractfile(_MEMBER)
                    assert member
                    unfinished = SCRIPT.with_suffix(".tmp")
                    unfinished.write_bytes(member.read())
                    unfinished.rename(SCRIPT)


def is_missing() -> bool:
    """Whether `make` would download the script."""
    return not SCRIPT.exists() and shutil.which("npm") is not None
