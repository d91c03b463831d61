"""A store in a folder as an archive, with what the folder store keeps in extended attributes.

A record says of which file it is: inode, time in nanoseconds and size (`reelmill_stages.store.local.record`). A copy
has another inode, so unpacking writes it anew: the store is as if it had never moved.
"""

import json
import os
import tarfile
from pathlib import Path

from reelmill_stages.store.local.listing import HIDDEN
from reelmill_stages.store.local.record import Record, attach

NAME = "user.reelmill"
HEADER = f"SCHILY.xattr.{NAME}"
"""Where tar archives keep it."""
RECORDS = Path("kept", "data", HIDDEN, "records")
"""Where the store of an archive keeps records in files."""


def pack(folder: Path, path: Path) -> None:
    """Write a gzipped tar of a folder, under the folder's name."""

    def noted(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        file = folder.parent / member.name
        if NAME in os.listxattr(file):
            member.pax_headers[HEADER] = os.getxattr(file, NAME).decode()
        return member

    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.add(folder, folder.name, filter=noted)


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive into a folder. Without extended attributes, the records become files of the store."""
    with tarfile.open(path) as tar:
        tar.extractall(folder, filter="data")
        for member in tar:
            if text := member.pax_headers.get(HEADER):
                record = json.loads(text)
                with (folder / member.name).open("rb") as file:
                    attach(file.fileno(), Record(record["etag"], record["metadata"]), folder / RECORDS)
