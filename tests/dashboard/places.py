"""Stores to look at, made by real runs, and the page over them. Helpers of the tests beside."""

import csv
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from e2e.workshop import Workshop
from reelmill.cli.commands.curation.dashboard import definition
from reelmill.cli.input.options import AS_NAMED
from reelmill.contract.commands.dashboard import DashboardSettings, Pipelines
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.dashboard.serve import make

SCRIPT = "<script>alert('caption')</script>"
TEXTS = (
    SCRIPT,
    "\x1b[31mred\x1b[0m & \u202eright to left\u202c",
    "w" * 10_000,
    "\"><img src=x onerror=alert(1)> {{ 7 * 7 }} ${7*7} 'quoted'",
    "a dog\u2028runs\x00",
    "plain words",
)
"""Captions that want to be more than text."""
NAMES = ("<b>bold<b>.mp4", "\u202egpj.mp4", "a&b='c'.mp4", "ordinary.mp4", "dark.mp4", "%2e%2e%2f.mp4")


def hostile(folder: Path) -> Workshop:
    """A finished run over videos and captions with such names and texts; every second clip is filtered."""
    shop = Workshop(folder, name="hostile")
    shop.film(*NAMES)
    with (folder / "captions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "text", "start", "end"])
        for number, (name, text) in enumerate(zip(NAMES, TEXTS, strict=True)):
            rows.writerow([name, text.replace("\x00", ""), "0", f"{0.5 + 0.2 * number:.1f}"])
        rows.writerow(["gone.mp4", "nothing", "0", "1"])
    columns = {"path": "path", "text": "text", "start": "start", "end": "end"}
    table = {"uri": str(folder / "captions.csv"), "base": f"{shop.videos}/", "columns": columns}
    shop.sources = [{"name": "captions", "table": table}]
    shop.stages = [
        {"name": "clips", "clip": {"by": "metadata"}, "failures": {"tolerate": "100%"}},
        {"name": "keep", "filter": {"rules": [{"name": "short", "field": "duration", "min": 0.8}]}},
        {"name": "tars", "pack": {"sampler": "video_only"}},
    ]
    shop.run()
    return shop


@contextmanager
def page(
    scratch: Path,
    *,
    store: str = "",
    endpoint: str = "",
    file: Path | None = None,
    pipelines: Pipelines | None = None,
    env: Mapping[str, str] = os.environ,
    allowed_hosts: tuple[str, ...] = (),
    root_path: str = "",
) -> Iterator[TestClient]:
    """A client of the page over a store, a pipeline file or a cluster; the list and all items have been read."""
    app = make(
        DashboardSettings(allowed_hosts=allowed_hosts, root_path=root_path),
        env,
        scratch,
        pipelines=pipelines,
        files=[definition(str(file), AS_NAMED)] if file else [],
        store=StoreRef(uri=store, connection=Connection(endpoint=endpoint)) if store else None,
    )
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        wait_until_read(client)
        yield client


def wait_until_read(client: TestClient) -> None:
    """Wait until the list of pipelines and the indexes of their data sets are read, or cannot be read."""
    end = time.monotonic() + 120
    while not ((found := client.get("/api/v1/pipelines").json())["read_at"] or found["problem"]):
        assert time.monotonic() < end
    for row in found["rows"]:
        one = f"/api/v1/pipelines/{row['namespace'] or '-'}/{row['name']}"
        for stage in client.get(one).json().get("reads", ()):
            while client.get(f"{one}/stages/{stage}/items?limit=1").json().get("is_reading"):
                assert time.monotonic() < end


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its size, its times and a digest of its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        told = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = f"{status.st_mode} {status.st_size} {status.st_mtime_ns} {told}"
    return found
