"""The CPU counter of a container is that of its cgroup, and never that of a whole machine."""

from pathlib import Path

import pytest

from reelmill_stages.host.cpu_time import container_cpu


def cgroup(root: Path, **files: str) -> Path:
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text)
    return root


def test_a_container_has_the_kernels_counter_of_its_cgroup(tmp_path: Path) -> None:
    stat = "usage_usec 12345678\nuser_usec 12000000\nsystem_usec 345678\n"
    assert container_cpu(cgroup(tmp_path, cgroup__type="domain\n", cpu__stat=stat)) == pytest.approx(12.345678)


def test_the_root_of_all_cgroups_is_no_container(tmp_path: Path) -> None:
    assert container_cpu(cgroup(tmp_path, cpu__stat="usage_usec 12345678\n")) is None


@pytest.mark.parametrize("stat", ["", "usage_usec\n", "usage_usec many\n", "user_usec 5\n"])
def test_a_counter_that_cannot_be_read_is_not_known(tmp_path: Path, stat: str) -> None:
    assert container_cpu(cgroup(tmp_path, cgroup__type="domain\n", cpu__stat=stat)) is None
