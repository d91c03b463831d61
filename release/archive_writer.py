"""Reproducible archives: names are sorted, all files have one time stamp, and owners are omitted."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, files: Mapping[str, bytes], time: int, executable: frozenset[str] = frozenset()) -> None:
    """Write a gzipped tar. `files` maps names to contents, `time` is in seconds since 1970."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(files[name]), time
            member.mode = 0o755 if name in executable else 0o644
            tar.addfile(member, io.BytesIO(files[name]))
