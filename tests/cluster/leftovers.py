"""Cleanup of what an instance leaves when it ends: cgroup folders, an interface, its folder.

Processes, mounts, bridges, routes and iptables rules disappear with their namespaces; these three do not.
`python -m cluster.leftovers NUMBER` waits until the instance's last process has ended and then cleans up. Each boxed
cluster has such a process next to it, so it leaves nothing even if everything else is killed.
"""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from cluster.instance import Instance
from cluster.packages import search_path

CGROUPS = Path("/sys/fs/cgroup")
PATIENCE = 60.0
"""Seconds that the kernel may take to let go of killed processes."""


def clear(instance: Instance) -> None:
    """Remove all leftovers. The caller holds the instance's number, so none of its processes is running."""
    end = time.monotonic() + PATIENCE
    while (folders := cgroups(instance)) and time.monotonic() < end:
        for folder in folders:
            with suppress(OSError):
                folder.rmdir()
        time.sleep(0.05)
    if Path("/sys/class/net", instance.interface).exists():
        command = ["ip", "link", "delete", instance.interface]
        subprocess.run(command, capture_output=True, env={**os.environ, "PATH": search_path()})
    while mounted(instance) and time.monotonic() < end:
        time.sleep(0.05)
    if not mounted(instance):
        shutil.rmtree(instance.folder, ignore_errors=True)


def cgroups(instance: Instance) -> list[Path]:
    """Its cgroup folders in every hierarchy, deepest first."""
    roots = [*CGROUPS.glob(f"{instance.cgroup_prefix}*"), *CGROUPS.glob(f"*/{instance.cgroup_prefix}*")]
    return [folder for root in roots for folder in sorted([root, *_below(root)], reverse=True)]


def _below(root: Path) -> list[Path]:
    """Folders below `root`, which may disappear in the meantime."""
    found = []
    for top, names, _ in os.walk(root):
        found += [Path(top, name) for name in names]
    return found


def mounted(instance: Instance) -> list[str]:
    """Mounts below its folder, as this process sees them; normally none."""
    if not (mounts := Path("/proc/self/mounts")).exists():
        return []
    points = [line.split()[1] for line in mounts.read_text().splitlines()]
    return [point for point in points if point.startswith(f"{instance.folder}/")]


def main(number: int) -> None:
    """Wait for the end of an instance and clear it."""
    instance = Instance(number)
    descriptor = instance.lock(wait=True)
    clear(instance)
    if descriptor is not None:
        os.close(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
