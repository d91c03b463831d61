"""Every lock pins versions and hashes, the locks agree, and what installs one demands the hashes."""

import re
from pathlib import Path

import pytest

from repo.tree import ROOT, files

PACKAGE = re.compile(r"([a-z0-9._-]+==[^ ;]+)( ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")
LOCKS = [path for path in files() if path.suffix == ".lock" or path.parent.name == "locks"]
IMAGES = [path for path in LOCKS if ROOT / "images" in path.parents]


def packages(lock: Path) -> dict[str, set[str]]:
    """The hashes of each pin."""
    return {pin: set(hashes.split()) - {"\\"} for pin, _, hashes in PACKAGE.findall(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_holds_pins_with_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    rest = PACKAGE.sub("", text).splitlines()
    assert packages(lock)
    assert not [line for line in rest if line and not line.lstrip().startswith("#")]
    assert "://" not in text


@pytest.mark.parametrize("lock", IMAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_image_has_the_packages_that_were_tested(lock: Path) -> None:
    tested = packages(ROOT / "requirements.lock") | packages(ROOT / "requirements-torch.lock")
    assert {pin: tested.get(pin) for pin in packages(lock)} == packages(lock)


@pytest.mark.parametrize("name", ["operator", "stages"])
def test_every_package_of_an_image_is_installed_by_hash(name: str) -> None:
    dockerfile = (ROOT / "images" / name / "Dockerfile").read_text()
    installs = re.findall(r"pip .*?(?:install|wheel) .*", dockerfile)
    assert installs
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)
