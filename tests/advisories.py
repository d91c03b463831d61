"""Check of locked packages for known advisories: `make check` compares every lock with OSV records, if available.

The records are those of https://google.github.io/osv-schema (format of osv.dev, GitHub and PyPA): REELMILL_ADVISORIES
names a JSON file, a folder of JSON files, or a zip archive as published by osv.dev for PyPI. Nothing is downloaded.
"""

import json
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from repo.test_locks import LOCKS, packages

ENV = "REELMILL_ADVISORIES"
ACCEPTED: dict[str, str] = {}
"""Advisory -> why it does not concern reelmill."""
Json = dict[str, Any]


def records(path: Path) -> Iterator[Json]:
    """The records of a file, a folder or a zip archive. Raises ValueError for a file that is not JSON."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield from _each(file.read_text())
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield from _each(archive.read(name).decode())
    else:
        yield from _each(path.read_text())


def _each(text: str) -> list[Json]:
    found = json.loads(text)
    return found if isinstance(found, list) else [found]


def concerns(record: Json, name: str, version: str) -> bool:
    """Whether a record is about this version of a PyPI package."""
    return not record.get("withdrawn") and any(
        affected.get("package", {}).get("ecosystem") == "PyPI"
        and canonicalize_name(affected["package"].get("name", "")) == canonicalize_name(name)
        and (version in affected.get("versions", ()) or any(_inside(each, version) for each in _ranges(affected)))
        for affected in record.get("affected", ())
    )


def _ranges(affected: Json) -> list[Json]:
    return [each for each in affected.get("ranges", ()) if each.get("type") in ("ECOSYSTEM", "SEMVER")]


def _inside(range_: Json, version: str) -> bool:
    """Whether a version is in a range, by the schema's algorithm: the last event at or before the version decides."""
    here, inside = Version(version), False
    for event in sorted(range_["events"], key=_at):
        if "introduced" in event and here >= _at(event):
            inside = True
        elif ("fixed" in event and here >= _at(event)) or ("last_affected" in event and here > _at(event)):
            inside = False
    return inside


def _at(event: Json) -> Version:
    try:
        return Version(next(iter(event.values())))
    except InvalidVersion:
        return Version("0")


def problems(known: Iterable[Json], pins: Iterable[tuple[str, str]]) -> list[str]:
    """`ID: package version: summary` for every pin that a record concerns."""
    names: dict[str, list[str]] = {}
    for name, version in pins:
        names.setdefault(canonicalize_name(name), []).append(version)
    found = []
    for record in known:
        about = {canonicalize_name(each.get("package", {}).get("name", "")) for each in record.get("affected", ())}
        for name in about & names.keys():
            for version in names[name]:
                if concerns(record, name, version) and record["id"] not in ACCEPTED:
                    found.append(f"{record['id']}: {name} {version}: {record.get('summary', '')}")
    return sorted(set(found))


def locked() -> list[tuple[str, str]]:
    """(name, version) of every pin of every lock."""
    pins = {pin for lock in LOCKS for pin in packages(lock)}
    return sorted((name, version) for name, _, version in (pin.partition("==") for pin in pins))


def main() -> int:
    """Print the advisories that affect the locks."""
    given = os.environ.get(ENV, "")
    if not given:
        print(f"advisories: not compared; {ENV} names no file of OSV records")
        return 0
    known = list(records(Path(given)))
    found = problems(known, locked())
    print(f"advisories: {len(locked())} locked versions compared with {len(known)} records, {len(found)} concerned")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
