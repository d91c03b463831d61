"""A full disk, of the store or of the scratch folder: a clear error, nothing lost, and the next run goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import SAMPLES, Workshop

pytestmark = pytest.mark.store


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, of 3 MiB; tests make it larger or smaller."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def shop_of(folder: Path, **more: str) -> Workshop:
    shop = Workshop(folder, **more)
    shop.film(*(f"{number}.mp4" for number in range(6)))
    shop.files()
    # 16 frames of 160 by 256 are 2 MB a sample.
    shop.stages = [{"name": "samples", "frames": {**SAMPLES["frames"], "width": 256, "height": 160, "layout": "npy"}}]
    return shop


def test_a_store_on_a_full_disk_is_named_and_the_next_run_continues(small_disk: Path, tmp_path: Path) -> None:
    shop = shop_of(tmp_path, store_at=str(small_disk / "store"))
    said = shop.tell("run", "-q")
    assert said.code == 2
    assert "disk is full" in said.err
    assert "Traceback" not in said.err
    resize(small_disk, "200m")
    shop.run()
    assert len(shop.items("samples")) == 6
    assert shop.data("samples").totals.failed == 0


def test_a_full_scratch_disk_is_named_and_the_next_run_continues(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path)
    monkeypatch.setenv("TMPDIR", str(small_disk))
    resize(small_disk, "1m")
    said = shop.tell("run", "-q")
    assert said.code == 2
    assert "disk is full" in said.err
    assert "Traceback" not in said.err
    resize(small_disk, "200m")
    shop.run()
    assert len(shop.items("samples")) == 6
    assert shop.data("samples").totals.failed == 0
