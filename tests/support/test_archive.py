"""The archive itself: names that a hostile cluster or store gives, equal names, and files that are in the way."""

import tarfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.cli.commands.support.bundle import SupportBundle, name_in_archive
from reelmill.contract.text.redaction import REMOVED, Redactor


@given(st.text(alphabet="./\\ab\n\0", max_size=30) | st.text(max_size=300))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    path = PurePosixPath("folder", name_in_archive(name))
    assert path.parts[0] == "folder"
    assert len(path.parts) > 1
    assert ".." not in path.parts
    assert not set(str(path)) & set("\0\n\\")
    assert all(len(part) <= 200 for part in path.parts)


def test_a_bundle_of_hostile_names_is_extracted_inside_its_folder(tmp_path: Path) -> None:
    bundle = SupportBundle("bundle", Redactor(["secret-one", "secret-two"]))
    for name in ("logs/../../../escaped", "/absolute", "manifest.json", "logs/secret-one", "logs/secret-two"):
        bundle.text(name, name)
    assert bundle.write(tmp_path / "bundle.tar.gz") == 6
    with tarfile.open(tmp_path / "bundle.tar.gz") as tar:
        assert sorted(tar.getnames()) == sorted(
            f"bundle/{name}"
            for name in (
                *("logs/__/__/__/escaped", "absolute", "manifest.json", "manifest.json~2"),
                *(f"logs/{REMOVED}", f"logs/{REMOVED}~2"),
            )
        )
        assert all(member.isfile() for member in tar)


def test_a_link_in_the_way_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (tmp_path / ".bundle.tar.gz.new").symlink_to(mine)
    SupportBundle("bundle", Redactor()).write(tmp_path / "bundle.tar.gz")
    assert mine.read_text() == "mine"
    assert (tmp_path / "bundle.tar.gz").stat().st_mode & 0o077 == 0


def test_of_an_interrupted_archive_nothing_is_left(tmp_path: Path) -> None:
    bundle = SupportBundle("bundle\ud800", Redactor())
    with pytest.raises(UnicodeEncodeError):
        bundle.write(tmp_path / "bundle.tar.gz")
    assert list(tmp_path.iterdir()) == []


def test_names_of_what_was_not_read_hold_no_credential() -> None:
    bundle = SupportBundle("bundle", Redactor(["secret-one"]))
    bundle.missing("store/secret-one", "gone")
    assert bundle.unread == {f"store/{REMOVED}": "gone"}


def test_text_that_utf_8_cannot_hold_is_no_obstacle(tmp_path: Path) -> None:
    bundle = SupportBundle("bundle", Redactor())
    bundle.text("logs/\ud800.log", "\ud800")
    bundle.missing("\ud800", "\ud800")
    assert bundle.write(tmp_path / "bundle.tar.gz") == 2
