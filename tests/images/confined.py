"""Run an image's program as a restricted pod does: its own user, a read-only root, no privileges to gain, no network.

No container runtime is needed for that: a mount namespace, chroot and the image's own configuration.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from images.built import archive, buildah, reference

ENTER = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 scratch "$1/tmp"
root=$1 user=$2; shift 2
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" /usr/bin/env -i "$@"
"""


class Container:
    """The image `key` and its files. `config` is the image's, as OCI words it."""

    def __init__(self, key: str, root: Path) -> None:
        self.key, self.root = key, root
        described: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", reference(key)))["OCIv1"]
        self.config: dict[str, Any] = described["config"]
        self.layers: list[str] = described["rootfs"]["diff_ids"]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the words, or the image's own entrypoint; its output, and how it ended."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        command = ["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", ENTER, "enter", str(self.root)]
        command += [self.config["User"], "-C", self.config["WorkingDir"], *variables]
        command += words or self.config["Entrypoint"]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)

    def python(self, source: str) -> str:
        """What a few lines of Python print inside. Raises AssertionError where they fail."""
        done = self.run("python", "-c", source)
        assert not done.returncode, done.stderr
        return done.stdout.strip()


@contextmanager
def opened(key: str) -> Iterator[Container]:
    """An image's files, mounted. Raises Unavailable."""
    archive(key)
    container = buildah("from", "--pull-never", reference(key))
    try:
        yield Container(key, Path(buildah("mount", container)))
    finally:
        buildah("rm", container)
