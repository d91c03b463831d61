"""Runs a command, ends when it ends, and kills it when whoever started this goes away, however that happens.

The other end of standard input is the leash: the kernel closes it even on kill -9.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> None:
    """Run until standard input closes; then the command's whole process group dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_along) as child:
        threading.Thread(target=lambda: os._exit(child.wait()), daemon=True).start()
        try:
            while os.read(0, 1):
                pass
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def _die_along() -> None:
    # Should the leash itself be killed, the kernel kills the command (Linux only).
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
