"""A box ends with its first process, however that ends, and leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster import box, leftovers
from cluster.instance import Instance
from cluster.unavailable import Unavailable

pytestmark = pytest.mark.nodes
TESTS = Path(__file__).parents[1]
HOLDER = """
import time
from cluster import box
with box.opened(closed={closed}) as here:
    print(here.instance.number, here.pid, flush=True)
    here.start("sleeper", "sleep", "4711{number}")
    if {closed}:
        group = "/sys/fs/cgroup/memory/" + here.instance.cgroup_prefix + "x/y"
        here.run("sh", "-c", "mkdir -p " + group + "; echo 1 > /proc/sys/net/ipv4/ip_forward")
        here.run("mount", "-t", "tmpfs", "tmpfs", str(here.folder / "logs"))
        here.run("ip", "link", "add", "reel0", "type", "bridge")
    print("ready", flush=True)
    time.sleep(600)
"""


def hold(*, closed: bool = True, number: int = 0) -> tuple["subprocess.Popen[str]", Instance, int]:
    """A process that holds a box: itself, the instance, and the box's first process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(closed=closed, number=number)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stderr is not None
    first = holder.stdout.readline().split()
    if not first or holder.stdout.readline() != "ready\n":
        holder.kill()
        pytest.fail(holder.communicate()[1])
    return holder, Instance(int(first[0])), int(first[1])


def traces(instance: Instance, number: int = 0) -> list[str]:
    """What is left of an instance."""
    found = [str(folder) for folder in leftovers.cgroups(instance)] + leftovers.mounted(instance)
    if instance.folder.exists():
        found.append(str(instance.folder))
    if Path("/sys/class/net", instance.interface).exists():
        found.append(instance.interface)
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes()
        except OSError:
            continue
        if f"4711{number}".encode() in command and b"HOLDER" not in command and b"import" not in command:
            found.append(str(process))
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    return found + [line for line in routes.splitlines() if str(instance.pods) in line]


def gone(instance: Instance, number: int = 0) -> list[str]:
    """Traces that are still there after a while."""
    end = time.monotonic() + 120
    while (found := traces(instance, number)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def finish(holder: "subprocess.Popen[str]") -> None:
    with holder:
        holder.kill()


@pytest.mark.parametrize("victim", ["holder", "box", "first process inside"])
def test_kill_9_of_one_process_leaves_no_trace(victim: str) -> None:
    _root()
    holder, instance, pid = hold()
    assert traces(instance)
    if victim == "box":
        os.kill(pid, signal.SIGKILL)
    elif victim == "first process inside":
        os.kill(int(Path(f"/proc/{pid}/task/{pid}/children").read_text()), signal.SIGKILL)
    else:
        holder.kill()
    assert not gone(instance)
    finish(holder)


def test_what_a_killed_run_left_is_cleared_at_the_next_start() -> None:
    _root()
    stale = Instance(63)
    lock = stale.lock()
    assert lock is not None
    (stale.folder / "logs").mkdir(parents=True, exist_ok=True)
    subprocess.run(["ip", "link", "add", stale.interface, "type", "veth"], check=True)
    os.close(lock)
    with box.opened(closed=True) as here:
        assert here.instance != stale
        assert not traces(stale)


def test_several_run_at_once_and_do_not_meet() -> None:
    _root()
    held = [hold(number=number) for number in (1, 2)]
    (_, one, _), (_, two, _) = held
    assert one != two
    assert not one.pods.overlaps(two.pods)
    held[0][0].kill()
    assert not gone(one, 1)
    assert traces(two, 2)
    held[1][0].kill()
    assert not gone(two, 2)
    for holder, _, _ in held:
        finish(holder)


def test_an_open_box_ends_with_whoever_holds_it() -> None:
    holder, instance, _ = hold(closed=False, number=3)
    holder.kill()
    assert not gone(instance, 3)
    finish(holder)


def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip(str(Unavailable("boxes need root")))
