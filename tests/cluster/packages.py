"""Programs of the operating system that nodes and images need, installed by `make prepare` if possible.

They are installed as root on Debian; elsewhere, the error lists the packages to install. The installation does not
start services.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cluster.unavailable import Unavailable
from tools.cache import locked

NODES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ethtool": "ethtool",
    "socat": "socat",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
IMAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
"""Program (or a file that must exist) -> Debian package."""

LOCK = Path("/var/lib/reelmill-packages.lock")
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]
NO_SERVICE = "exit 101"


def find(wanted: dict[str, str]) -> None:
    """Raises Unavailable, with a remedy, if a program is missing."""
    if lacking := missing(wanted):
        raise Unavailable(
            f"nodes need {', '.join(lacking)}: install them (on Debian: apt-get install {' '.join(lacking)}), "
            "or run `make prepare TIERS=nodes` as root on Debian, which does it"
        )


def install(wanted: dict[str, str]) -> None:
    """Install missing packages. Raises Unavailable if that is not possible."""
    if sys.platform != "linux":
        raise Unavailable("nodes need Linux: containers are processes of its kernel")
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        find(wanted)
        return
    with locked(LOCK):
        if lacking := missing(wanted):
            _install(lacking)
    if lacking := missing(wanted):
        raise Unavailable(f"installed, but their programs are not on PATH: {', '.join(lacking)}")


def missing(wanted: dict[str, str]) -> list[str]:
    """Packages whose program is missing."""
    return sorted({package for program, package in wanted.items() if not _there(program)})


def _there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program, path=search_path()) is not None


def search_path() -> str:
    """PATH with the folders of system programs, which an ordinary user's PATH may lack."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _install(packages: list[str]) -> None:
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text(f"#!/bin/sh\n{NO_SERVICE}\n")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # An interrupted installation must be finished before the next one.
        subprocess.run(["dpkg", "--configure", "-a"], env=environment, capture_output=True, stdin=subprocess.DEVNULL)
        install = [*APT, "install", "--no-install-recommends", *packages]
        done = subprocess.run(install, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            subprocess.run([*APT, "update"], env=environment, capture_output=True, stdin=subprocess.DEVNULL)
            done = subprocess.run(install, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Unavailable(f"apt-get install {' '.join(packages)} failed: {done.stderr.strip()[-500:]}")
    finally:
        if ours:
            policy.unlink(missing_ok=True)
