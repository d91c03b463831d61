"""The identity of a pipeline file: its token, or this machine and the file's location."""

import os
import platform
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from reelmill.cli import store_commands
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands import signatures
from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.records.claim import IDENTITY, Claimant
from reelmill.contract.task import Task

MOST = 128
"""Maximum length of a token in characters."""
_MACHINE_ID = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def identity(loaded: Loaded, task: Task, *, make: bool) -> str:
    """The uid of a pipeline file in its store; empty if it never ran and `make` is false. Raises StoreError."""
    asks = claimant(loaded, task.store.uri)
    return store_commands.load(signatures.IDENTITY)(task, store_commands.environment(), asks, make=make)


def claimant(loaded: Loaded, store: str) -> Claimant:
    """The claimant of an identity. Raises SpecError for an invalid token."""
    metadata = loaded.pipeline.metadata
    return Claimant(
        namespace=metadata.namespace,
        name=metadata.name,
        token=token(loaded),
        host=socket.gethostname(),
        machine=_machine_digits(),
        file=_file_identity(Path(loaded.document.file).resolve(), store),
    )


def _file_identity(file: Path, store: str) -> str:
    """The path of the file. If the store is a folder, the path is relative to it, because both may move together."""
    scheme, separator, rest = store.partition("://")
    if separator and scheme != "file":
        return str(file)
    folder = Path(unquote(rest.removeprefix("localhost")) if separator else store).resolve()
    return os.path.relpath(file, folder)


def token(loaded: Loaded) -> str:
    """The token in the file; empty if it has none. Raises SpecError for an invalid one."""
    annotations = loaded.data["metadata"].get("annotations") or {}
    found = annotations.get(IDENTITY, "") if isinstance(annotations, dict) else ""
    if not isinstance(found, str) or len(found) > MOST or (IDENTITY in annotations and not found.strip()):
        raise SpecError(
            f"the annotation {IDENTITY} is not a valid token",
            where=f"{loaded.document.file}:{loaded.document.line(('metadata', 'annotations', IDENTITY))}",
            hint=f"use any string of 1 to {MOST} characters that no other pipeline has",
        )
    return found.strip()


def _machine_digits(files: tuple[str, ...] = _MACHINE_ID) -> str:
    """Digits that distinguish this machine from others with the same name, without revealing its machine ID."""
    for file in files:
        with suppress(OSError, ValueError):
            if text := Path(file).read_text().strip():
                return fingerprint(["reelmill", text])[:16]
    return fingerprint(["reelmill", platform.node(), platform.machine()])[:16]
