"""A headless Chromium for tests: the one of the operating system, driven by playwright.

playwright is not in the environment, so that nothing else can import it, and brings no browser of its own: Chromium is
the operating system's, which `make prepare` installs as root on Debian.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import packages
from cluster.unavailable import Unavailable
from tools.package_folder import PackageFolder

PLAYWRIGHT = PackageFolder("playwright", Path(__file__).with_name("requirements.lock"), tier="web")
CHROMIUM = {"chromium": "chromium"}
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> Path:
    """The program. Raises Unavailable, with what to do."""
    for name in _NAMES:
        if found := shutil.which(name, path=packages.search_path()):
            return Path(found)
    raise Unavailable(
        "tests of pages need Chromium: install it (on Debian: apt-get install chromium), or run "
        "`make prepare TIERS=web` as root on Debian, which does it"
    )


def make_chromium() -> None:
    """Install it where that is possible. Raises Unavailable elsewhere."""
    try:
        find_chromium()
    except Unavailable:
        packages.install(CHROMIUM)
        find_chromium()


@contextmanager
def browser() -> Iterator[Any]:
    """A playwright browser. Raises Unavailable where there is none."""
    program, folder = find_chromium(), PLAYWRIGHT.find()
    sys.path.insert(0, str(folder))
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            # Chromium's own sandbox needs rights that root in a container lacks. The pages are our own.
            started = driver.chromium.launch(
                executable_path=str(program), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            )
            yield started
            started.close()
    finally:
        sys.path.remove(str(folder))
