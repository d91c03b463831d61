"""The archive of a support bundle. Everything that enters it passes the redactor; what cannot be read is listed."""

import io
import json
import os
import re
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from reelmill import __version__
from reelmill.cli.error_text import describe
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.text.json_line import json_object
from reelmill.contract.text.redaction import Redactor

MOST_BYTES = 1 << 20
"""Of one file. What is longer is cut, at the end of a record and at the beginning of a log."""
MANIFEST = "manifest.json"
_CUT = "[cut here: the file is longer]"
_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
MOST_NAME = 200
"""Characters of each folder or file in a name."""


class SupportBundle:
    """The files of a bundle, in memory. `name` is the folder in the archive."""

    def __init__(self, name: str, redactor: Redactor) -> None:
        self.name = name
        self.redactor = redactor
        self.unread: dict[str, str] = {}
        """What could not be read -> why."""
        self._files: dict[str, bytes] = {}

    def document(self, name: str, value: Any) -> None:
        """Add JSON values."""
        text = json.dumps(self.redactor.tree(value), indent=1, ensure_ascii=False, default=str)
        self._add(name, _first_bytes(text.encode(errors="replace")))

    def text(self, name: str, text: str) -> None:
        """Add a text."""
        self._add(name, _first_bytes(self.redactor.text(text).encode(errors="replace")))

    def record(self, name: str, text: str) -> None:
        """Add a record of a store: a JSON document, on any number of lines, or the lines of a log."""
        if name.endswith(".json") and (found := json_object(text)) is not None:
            self.document(name, found)
        else:
            self.log(name, text.splitlines())

    def log(self, name: str, lines: Iterable[str]) -> None:
        """Add the lines of a log, of which the last are kept. None: no file."""
        data = "".join(f"{self.redactor.line(line)}\n" for line in lines).encode(errors="replace")
        if data:
            self._add(name, data if len(data) <= MOST_BYTES else f"{_CUT}\n".encode() + data[-MOST_BYTES:])

    def missing(self, what: str, why: str) -> None:
        """Note that something could not be read."""
        self.unread[self.redactor.text(what)] = self.redactor.text(why)

    def noting_errors(self, what: str) -> "_Trying":
        """A block whose error is noted as the reason why `what` could not be read, and does not end the command."""
        return _Trying(self, what)

    def attempt(self, what: str, read: Callable[[], list[Any]]) -> list[Any]:
        """What `read` returns, or nothing, and a note why."""
        with self.noting_errors(what):
            return read()
        return []

    def collect(self, what: str, read: Callable[[], Any]) -> None:
        """Add what `read` returns as a document, or note why it could not be read."""
        with self.noting_errors(what):
            self.document(what, read())

    def write(self, path: Path) -> int:
        """Write the archive whole or not at all, readable by its owner alone; gives the number of files.

        Raises SpecError if the file exists or cannot be written.
        """
        listed = {
            "reelmill": __version__,
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "files": sorted(self._files),
            "unread": self.unread,
        }
        files = {**self._files, MANIFEST: json.dumps(listed, indent=1, ensure_ascii=False).encode(errors="replace")}
        try:
            if path.exists():
                raise SpecError("the file already exists", where=str(path), hint="choose another with --output")
            number, new = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
            try:
                with os.fdopen(number, "wb") as raw:
                    _write_archive(raw, self.name, files)
                Path(new).replace(path)
            except BaseException:
                with suppress(OSError):
                    Path(new).unlink()
                raise
        except OSError as error:
            raise SpecError(
                f"the bundle cannot be written: {error.strerror}", where=str(path), hint="choose another with --output"
            ) from error
        return len(files)

    def _add(self, name: str, data: bytes) -> None:
        plain = name_in_archive(self.redactor.text(name))
        # Names that differ in a credential alone are equal now.
        place, number = plain, 2
        while place in self._files or place == MANIFEST:
            place, number = f"{plain}~{number}", number + 1
        self._files[place] = data


class _Trying:
    def __init__(self, bundle: SupportBundle, what: str) -> None:
        self._bundle = bundle
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ReelmillError):
            self._bundle.missing(self._what, "; ".join(line.removeprefix("error: ") for line in describe(error)))
        elif isinstance(error, Exception):
            self._bundle.missing(self._what, f"internal error: {type(error).__name__}: {error}")
        return isinstance(error, Exception)


def name_in_archive(name: str) -> str:
    """A name inside the archive's folder, whatever a cluster or a store calls its objects."""
    utf8 = name.encode(errors="replace").decode()
    parts = [_ODD.sub("_", part)[:MOST_NAME] for part in utf8.split("/") if part not in ("", ".")]
    return "/".join("__" if part == ".." else part for part in parts) or "_"


def _first_bytes(data: bytes) -> bytes:
    return data if len(data) <= MOST_BYTES else data[:MOST_BYTES] + f"\n{_CUT}\n".encode()


def _write_archive(raw: Any, folder: str, files: dict[str, bytes]) -> None:
    now = int(time.time())
    with tarfile.open(fileobj=raw, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(files[name]), now, 0o600
            tar.addfile(member, io.BytesIO(files[name]))
