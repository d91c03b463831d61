"""The audit of the locks reads OSV records as their schema says."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from advisories import locked, problems, records


def record(*events: dict[str, str], versions: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    package = {"ecosystem": "PyPI", "name": "Some_Package"}
    affected = [{"package": package, "ranges": ranges, "versions": list(versions)}]
    return {"id": "PYSEC-1", "summary": "it is bad", "affected": affected, **more}


FROM_1_TO_2 = ({"introduced": "1.0"}, {"fixed": "2.0"})


@pytest.mark.parametrize(
    ("known", "version", "concerned"),
    [
        (record(*FROM_1_TO_2), "0.9", False),
        (record(*FROM_1_TO_2), "1.0", True),
        (record(*FROM_1_TO_2), "1.10", True),
        (record(*FROM_1_TO_2), "2.0", False),
        (record({"introduced": "0"}), "99", True),
        (record({"introduced": "0"}, {"last_affected": "3.1"}), "3.1", True),
        (record({"introduced": "0"}, {"last_affected": "3.1"}), "3.1.1", False),
        (record(*FROM_1_TO_2, {"introduced": "3.0"}), "3.0", True),
        (record({"fixed": "2.0"}, {"introduced": "1.0"}), "1.5", True),
        (record(versions=("1.5",)), "1.5", True),
        (record(versions=("1.5",)), "1.6", False),
        (record(*FROM_1_TO_2, withdrawn="2026-01-01T00:00:00Z"), "1.5", False),
    ],
)
def test_a_range_is_read_as_the_schema_says(known: dict[str, Any], version: str, concerned: bool) -> None:
    found = problems([known], [("some-package", version), ("other", "1.5")])
    assert found == ([f"PYSEC-1: some-package {version}: it is bad"] if concerned else [])


def test_a_package_of_another_ecosystem_is_another_package() -> None:
    known = record(*FROM_1_TO_2)
    known["affected"][0]["package"]["ecosystem"] = "npm"
    assert problems([known], [("some-package", "1.5")]) == []


def test_records_come_from_a_file_a_folder_or_an_archive(tmp_path: Path) -> None:
    text = json.dumps(record(*FROM_1_TO_2))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "PYSEC-1.json").write_text(text)
    (tmp_path / "one.json").write_text(f"[{text}, {text}]")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-1.json", text)
    found = {name: len(list(records(tmp_path / name))) for name in ("a", "one.json", "all.zip")}
    assert found == {"a": 1, "one.json": 2, "all.zip": 1}


def test_every_lock_is_read() -> None:
    names = {name for name, _ in locked()}
    assert {"pydantic", "torch", "mkdocs-material", "kopf"} <= names
    assert problems([{**record(), "affected": [{"package": {"ecosystem": "PyPI", "name": "kopf"}, "ranges": [
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}], locked())  # fmt: skip
