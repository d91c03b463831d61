"""What the runtime reads from the machine, and the small things that it keeps."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill_stages.host.cgroup import cpus, memory
from reelmill_stages.host.resident import resident
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.runtime.context import scratch_folder


def files(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_000_f09_workers_follow_the_cpu_limit_of_either_cgroup_version(
    tmp_path: Path, texts: dict[str, str], wanted: int | None
) -> None:
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert cpus(files(tmp_path, texts)) == (wanted or affinity)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"memory.max": "1073741824"}, 1 << 30),
        ({"memory.max": "max"}, None),
        ({"memory/memory.limit_in_bytes": "1073741824"}, 1 << 30),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ({}, None),
    ],
)
def test_memory_follows_the_limit_of_either_cgroup_version(
    tmp_path: Path, texts: dict[str, str], wanted: int | None
) -> None:
    assert memory(files(tmp_path, texts)) == wanted


def test_the_memory_of_a_process_is_known_where_the_system_tells_it(tmp_path: Path) -> None:
    assert resident(os.getpid(), tmp_path) == 0
    files(tmp_path, {"17/statm": "900 25 3 1 0 7 0"})
    assert resident(17, tmp_path) == 25 * os.sysconf("SC_PAGE_SIZE")


def test_the_latest_row_of_each_key_counts() -> None:
    with LatestRows() as latest:
        latest.add(1, [LedgerRow(f"v{n}", n, Outcome.FAILED, "odd") for n in range(3)])
        latest.add(2, [LedgerRow("v1", 1, Outcome.DONE), LedgerRow("v2", 2, Outcome.FAILED, "worse")])
        totals, reasons = latest.totals()
        assert totals.model_dump(by_alias=True) == {"in": 3, "done": 1, "filtered": 0, "failed": 2, "skipped": 0}
        assert reasons == {"failed:odd": 1, "failed:worse": 1}
        rows = [LedgerRow(key, ordinal, Outcome.DONE) for key, ordinal in (("v0", 0), ("v1", 1), ("v1", 2), ("v9", 9))]
        assert [latest.segment(row) for row in rows] == [1, 2, None, None]


def test_scratch_of_killed_runs_is_removed_by_the_next_and_that_of_living_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "reelmill-run-left"
    left.mkdir()
    (left / "lock").touch()
    with scratch_folder() as living:
        assert not left.exists()
        with scratch_folder() as other:
            assert living.exists()
            assert other != living
        assert not other.exists()
    assert not living.exists()


def test_steps_that_begin_at_once_leave_each_others_scratch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def begin(_: int) -> bool:
        with scratch_folder() as folder:
            return folder.is_dir()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(begin, range(1000)))


def test_folders_of_others_that_are_called_like_scratch_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    photos, linked, album = (tmp_path / f"reelmill-run-{name}" for name in ("photos", "linked", "album"))
    for folder, said in ((photos, ""), (album, "mine")):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"photo")
        (folder / "lock").write_text(said)
    linked.symlink_to(photos)
    with scratch_folder() as scratch:
        lock = (scratch / "lock").read_text()
    (tmp_path / "reelmill-run-copy").mkdir()
    (tmp_path / "reelmill-run-copy" / "lock").write_text(lock)
    with scratch_folder():
        pass
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jpg")) == [
        "reelmill-run-album/a.jpg",
        "reelmill-run-photos/a.jpg",
    ]
    assert linked.is_symlink()
    assert (tmp_path / "reelmill-run-copy" / "lock").read_text() == lock
