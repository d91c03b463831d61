"""Cost of the dashboard's list of many pipelines: reading it, serving a page, and painting it in a browser."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cluster.unavailable import Unavailable
from dashboard.places import page
from endurance.large_data_set import took
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.task import StoreRef
from reelmill_stages.dashboard.discovery.store_pipelines import StorePipelines
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.records.record_files import dump
from report.generated_store import GeneratedStore, item, key_of
from web.browser import browser

TRIES = 5
SETTLING = 20
"""Seconds after which the list has been read."""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def run(pipelines: int) -> int:
    """Measure, and print a line for each cost."""
    with TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        for number in range(pipelines):
            one_pipeline(root, f"{number:05}")
        print(f"{pipelines:,} pipelines of a source and two stages, in a folder")
        listed = StorePipelines(StoreRef(uri=str(root)), OpenStores({}))
        took("reading all of them", lambda: counted(listed.rows(), pipelines))
        took("reading them again", lambda: counted(listed.rows(), pipelines))
        with page(Path(folder) / "scratch", store=str(root)) as client:
            while not client.get("/api/v1/pipelines").json()["matching"]:
                time.sleep(0.1)
            for path in ("/", "/?q=00999", "/?sort=name&first=900", "/api/v1/pipelines"):
                best(f"page {path}", lambda path=path: counted([client.get(path)], 1))
        painted(root)
    return 0


def one_pipeline(root: Path, name: str) -> None:
    """Nine of ten clips are kept. Every place is claimed."""
    source, clips, keep = f"raw{name}", f"clips{name}", f"keep{name}"
    store = GeneratedStore(root, stages=(clips, keep), reads={clips: (source,)})
    items = [item(f"v{number}") for number in range(10)]
    done = [LedgerRow(one.key, 0, Outcome.DONE) for one in items]
    store.commit(source, items, done, kind="listing")
    store.commit(clips, items, done)
    store.commit(keep, items[1:], [*done[1:], LedgerRow("v0", 0, Outcome.FILTERED, "dark")])
    for each in (source, clips, keep):
        claim = Claim(namespace="team", name=f"films-{name}", uid=name * 4, data_set=each, key=key_of(each))
        store.store.write(DataSetPaths(each, key_of(each)).user(claim.uid), dump(claim))


def painted(root: Path) -> None:
    """The first paint in Chromium, of a dashboard that has just started, and of one that has read its list."""
    command = [Path(sys.executable).with_name("reelmill"), "dashboard", "--store", root, "--port", "0"]
    try:
        with (
            browser() as chromium,
            subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process,
        ):
            assert process.stderr
            address = process.stderr.readline().strip()
            for label, tries in (("first paint, just started", 1), ("first paint, list read", TRIES)):
                print(f"{label:52} {min(paints(chromium, address) for _ in range(tries)):8.3f} s", flush=True)
                time.sleep(SETTLING)
            process.terminate()
    except Unavailable as problem:
        print(f"no browser: {problem}")


def paints(chromium: Any, address: str) -> float:
    """Seconds from the request to the first paint, as reported by the browser."""
    tab = chromium.new_page()
    tab.goto(address)
    while not (milliseconds := tab.evaluate(PAINTED)):
        tab.wait_for_timeout(100)
    tab.close()
    return float(milliseconds) / 1000


def best(name: str, call: Callable[[], object]) -> None:
    """Print the least CPU time of some calls."""
    spent = []
    for _ in range(TRIES):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    print(f"{name:52} {min(spent):8.3f} CPU s", flush=True)


def counted(found: list[object], wanted: int) -> None:
    assert len(found) == wanted
