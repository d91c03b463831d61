"""Cost of dashboard pages and of the run report for a data set of a million generated items."""

import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from host import max_rss
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.commands.curation.report import report
from reelmill_stages.dashboard.index import schema
from reelmill_stages.dashboard.index.build import Builder
from reelmill_stages.dashboard.index.conditions import ItemCondition, ItemOrder
from reelmill_stages.dashboard.index.query import Reader
from reelmill_stages.dashboard.index.secondary import make_next
from reelmill_stages.dashboard.views.gallery import PAGE, items_at
from reelmill_stages.records.data_set import DataSet
from report.generated_store import GeneratedStore, item, key_of

SEGMENT = 100_000
"""Items of one segment."""
MEASURES = [f"measure{number:02}" for number in range(20)]
RARE = "zzebra"
"""A word in the captions of one item in 50,000."""
PAGES: dict[str, tuple[list[str], ItemOrder]] = {
    "first page": ([], ItemOrder()),
    "sorted by a field": ([], ItemOrder("measures.measure03", descending=True)),
    "a text that few items have": ([f"text~{RARE}"], ItemOrder()),
    "a text that few items have, sorted": ([f"text~{RARE}"], ItemOrder("duration")),
    "a text that half of the items have": (["text~wo"], ItemOrder("duration")),
    "a text that no item has": (["text~nothing like this"], ItemOrder()),
    "two letters that no item has": (["text~##"], ItemOrder()),
    "a part of a key": (["key~v0999"], ItemOrder()),
    "less than, which few items are, sorted": (["measures.measure01<0.001"], ItemOrder("measures.measure02")),
    "more than, sorted by another field": (["measures.measure01>=0.5"], ItemOrder("measures.measure02")),
    "three fields, sorted by a fourth": (
        ["measures.measure01>=0.9", "measures.measure02<0.1", "codec=h264"],
        ItemOrder("measures.measure04"),
    ),
}


def run(what: str, items: int, folder: Path | None) -> int:
    """Measure, and print a line for each cost."""
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(TemporaryDirectory()))
        store = GeneratedStore(place / "store", stages=("clips",))
        if not (place / "store").exists():
            place.mkdir(parents=True, exist_ok=True)
            generate(store, items)
        print(f"{items:,} items")
        {"pages": pages, "report": one_report}[what](store, place)
    return 0


def generate(store: GeneratedStore, count: int) -> None:
    """Commit items with 20 measures, a codec and a caption, a tenth of whose inputs was filtered."""
    made, before = generated(), None
    store.commit("raw", kind="listing")
    for first in range(0, count, SEGMENT):
        rows = list(islice(made, min(SEGMENT, count - first)))
        ledger = [LedgerRow(one.key, 0, Outcome.DONE) for one in rows]
        lost = [LedgerRow(f"lost{first + number}", 0, Outcome.FILTERED, "dark") for number in range(len(rows) // 9)]
        before = store.commit("clips", rows, ledger + lost, before=before)


def generated() -> Iterator[Item]:
    chance = random.Random(1)
    words = ["".join(chance.choices("aeioubcdfglmnprstvwo", k=chance.randint(2, 9))) for _ in range(3000)]
    number = 0
    while True:
        text = " ".join(chance.choices(words, k=14)) + (f" {RARE}" if number % 50_000 == 777 else "")
        measures = {name: round(chance.random(), 4) for name in MEASURES}
        codec = chance.choice(["h264", "h264", "hevc", "av1"])
        yield item(
            f"v{number:07}", size=chance.randint(10**5, 10**7), duration=round(chance.expovariate(0.2), 3),
            codec=codec, text=text, measures=measures,
        )  # fmt: skip
        number += 1


def one_report(store: GeneratedStore, _place: Path) -> None:
    """The report as `reelmill report` makes it; its videos do not exist, so it has no pictures."""
    began = time.process_time()
    found = report(store.task, {}, RunDefinition(name="made"))
    seconds = time.process_time() - began
    peak = max_rss(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"report: {seconds:.0f} CPU s, peak memory {peak / 1e6:.0f} MB, {len(found.html.encode()) / 1e6:.2f} MB")


def pages(store: GeneratedStore, place: Path) -> None:
    """Measure pages without and with the secondary indexes, each with a separate connection like the dashboard."""
    path = place / "index.db"
    names = DataSetPaths("clips", key_of("clips"))
    data = DataSet(store.store, names)
    with closing(schema.create(path)) as db:
        took("rows into the index", lambda: Builder(db, place).read(data))
        print(f"{'index':44} {path.stat().st_size / 1e6:8.0f} MB")
        asked(store, path, "scan")
        steps: list[float] = []

        def make() -> None:
            while True:
                began = time.process_time()
                if not make_next(db, ()):
                    return
                steps.append(time.process_time() - began)

        took("secondary indexes", make)
        print(f"{'longest step':44} {max(steps):8.2f} CPU s")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"{'index with secondary indexes':44} {path.stat().st_size / 1e6:8.0f} MB")
    asked(store, path, "indexed")


def asked(store: GeneratedStore, path: Path, how: str) -> None:
    """Print the CPU time of each page, and of the count beside it."""
    for name, (where, order) in PAGES.items():
        conditions = [ItemCondition.parse(each) for each in where]

        def page(conditions: Sequence[ItemCondition] = conditions, order: ItemOrder = order) -> None:
            with closing(schema.read(path)) as db:
                places, _ = Reader(db).page(conditions, order, "", PAGE)
            items_at(store.store, places)

        def count(conditions: Sequence[ItemCondition] = conditions) -> int:
            with closing(schema.read(path)) as db:
                return Reader(db).count(conditions, 10_001)

        took(f"{how}: {name}", page)
        if where:
            took(f"{how}: {name}, count", count)


def took(name: str, call: Callable[[], object]) -> None:
    """Call, and print what CPU time that took in all threads."""
    began = time.process_time()
    call()
    print(f"{name:52} {time.process_time() - began:8.3f} CPU s", flush=True)
