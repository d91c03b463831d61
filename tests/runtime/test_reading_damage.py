"""Readers of training processes and exports never hand on a file that is not what was committed."""

import os
import pickle
import subprocess
from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.errors import SpecError, StoreDamaged
from reelmill.contract.task import Step
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.store.digests import SUMS, read_sum, sum_line

VIEW, FILE = "all.json", "0001/out/a.txt"
MODES = [ExportMode.LINK, ExportMode.COPY]


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    line = toy.Line(tmp_path)
    line.stage("upper")
    for key in "ab":
        line.put(key, f"text {key}\n")
    line.go()
    return line


def rot(path: Path, *, keeping_time: bool = True) -> None:
    """Flip a bit."""
    before = path.stat()
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    if keeping_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exported(line: toy.Line, mode: ExportMode = ExportMode.COPY, *, verify: bool = True) -> Path:
    folder = line.root / f"export-{mode}"
    export(line.task(Step.SURVEY), os.environ, "upper", folder, mode, verify=verify)
    return folder


def places(line: toy.Line, *, verify: bool) -> list[SampleFolder]:
    """The stage's folder in the store, and an export."""
    wheres = [line.root / "store" / "upper", exported(line)]
    return [SampleFolder(str(where), verify=verify).current(VIEW) for where in wheres]


@pytest.mark.parametrize("keeping_time", [True, False])
@pytest.mark.parametrize("which", [0, 1], ids=["store", "export"])
def test_a_view_is_always_compared_with_its_digest(line: toy.Line, which: int, keeping_time: bool) -> None:
    place = places(line, verify=False)[which]
    whole = place.view(VIEW)
    rot(Path(place.at(VIEW)), keeping_time=keeping_time)
    with pytest.raises(StoreDamaged, match="not what was committed") as error:
        place.view(VIEW)
    assert error.value.where == place.at(VIEW)
    assert ("reelmill export" if which else "stage.json") in error.value.hint
    assert place.read(VIEW) != whole


@pytest.mark.parametrize("which", [0, 1], ids=["store", "export"])
def test_other_files_are_compared_where_that_is_wanted(line: toy.Line, which: int) -> None:
    plain, careful = places(line, verify=False)[which], places(line, verify=True)[which]
    assert careful.read(FILE) == b"TEXT A\n"
    rot(Path(plain.at(FILE)))
    plain.read(FILE)
    for reader in careful, pickle.loads(pickle.dumps(careful)):
        with pytest.raises(StoreDamaged) as error:
            reader.read(FILE)
        assert error.value.where == plain.at(FILE)
    fresh: SampleFolder = pickle.loads(pickle.dumps(careful))
    with pytest.raises(StoreDamaged):
        fresh.read(FILE, start=0, length=2)


def test_a_file_that_no_commit_names_cannot_be_verified(line: toy.Line) -> None:
    for place in places(line, verify=True):
        Path(place.at("0001/out/mine.txt")).write_text("mine")
        with pytest.raises(SpecError, match="no commit names this file"):
            place.read("0001/out/mine.txt")


def test_a_folder_that_nothing_is_known_of_is_read_but_not_verified(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert SampleFolder(str(tmp_path)).view("a.txt") == b"a"
    with pytest.raises(SpecError, match="the digests of the files in this folder are unknown"):
        SampleFolder(str(tmp_path), verify=True).read("a.txt")


@pytest.mark.parametrize("keeping_time", [True, False])
def test_a_damaged_copy_in_an_export_is_replaced(line: toy.Line, keeping_time: bool) -> None:
    folder = exported(line)
    rot(folder / FILE, keeping_time=keeping_time)
    exported(line)
    assert (folder / FILE).read_bytes() == b"TEXT A\n"


def test_an_earlier_export_by_link_of_a_file_damaged_since_is_an_error(line: toy.Line) -> None:
    folder = exported(line, ExportMode.LINK)
    rot((folder / FILE).resolve())
    with pytest.raises(StoreDamaged) as error:
        exported(line, ExportMode.LINK)
    assert error.value.where.endswith(FILE)
    exported(line, ExportMode.LINK, verify=False)


def test_a_copy_that_is_whole_is_kept_although_the_store_is_damaged(line: toy.Line) -> None:
    folder = exported(line)
    rot(next((line.root / "store").glob(f"upper/*/{FILE}")))
    exported(line)
    assert (folder / FILE).read_bytes() == b"TEXT A\n"


def test_a_view_that_was_edited_in_the_store_is_found_and_not_exported(line: toy.Line) -> None:
    (view,) = (line.root / "store").glob(f"upper/*/{VIEW}")
    rot(view, keeping_time=False)
    (row,) = integrity(line.task(Step.SURVEY), os.environ).damage
    assert row.key.endswith(VIEW)
    with pytest.raises(StoreDamaged):
        exported(line)


@pytest.mark.parametrize("mode", MODES)
def test_the_digests_of_an_export_are_those_that_sha256sum_checks(line: toy.Line, mode: ExportMode) -> None:
    folder = exported(line, mode)
    check = ["sha256sum", "--check", "--strict", SUMS]
    assert subprocess.run(check, cwd=folder, capture_output=True, check=True).stdout.count(b": OK") == 3
    rot((folder / FILE).resolve())
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 1


@given(name=st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\x85\u2028\u2029"), min_size=1))
def test_the_line_of_a_name_reads_back_whatever_the_name(name: str) -> None:
    digest = f"sha256:{'0f' * 32}"
    assert read_sum(sum_line(name, digest)) == (name, digest)
