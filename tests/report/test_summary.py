"""The summary of generated commits against a recount of their rows."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.commands.outcome import verdict
from reelmill.contract.records.flow import Flow
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.status_rows import status_rows
from reelmill_stages.summary.summarise import LOST, MADE, SummaryItems, summarise
from report.generated_store import GeneratedStore, item, volume

DONE, FILTERED, FAILED = Outcome.DONE, Outcome.FILTERED, Outcome.FAILED


def made(root: Path, seed: int) -> tuple[GeneratedStore, list[Item], list[LedgerRow]]:
    """A source, a stage that passes each item on, and one that drops some, by chance."""
    chance = random.Random(seed)
    store = GeneratedStore(root)
    items = [
        item(
            f"v{number}",
            size=chance.randrange(10**6),
            duration=round(chance.expovariate(0.1), 3),
            measures={"luma": chance.gauss(120, 30), "codec": chance.choice(["h264", "av1"])},
        )
        for number in range(chance.randrange(1, 80))
    ]
    ends = [(DONE, "", ""), (DONE, "", ""), (FILTERED, "dark", ""), (FAILED, "corrupt", "it is")]
    ledger = []
    for number, one in enumerate(items):
        outcome, reason, message = chance.choice(ends)
        ledger.append(LedgerRow(one.key, number, outcome, reason, message))
    kept = [one for one, row in zip(items, ledger, strict=True) if row.outcome is DONE]
    flow: dict[str, list[tuple[float | None, int]]] = {}
    for one, row in zip(items, ledger, strict=True):
        name = row.outcome if row.outcome is DONE else f"{row.outcome}:{row.reason}"
        assert one.media is not None
        flow.setdefault(name, []).append((one.fields["duration"], one.media.size))
    sizes = [(one.fields["duration"], one.media.size) for one in items if one.media]
    every = [LedgerRow(one.key, number, DONE) for number, one in enumerate(items)]
    whole = Flow(outcomes={"done": volume(sizes)}, made=volume(sizes))
    store.commit("raw", items, every, kind="listing", flow=Flow(made=volume(sizes)))
    store.commit("clips", items, every, flow=whole)
    made_of = [(one.fields["duration"], one.media.size) for one in kept if one.media]
    outcomes = {name: volume(values) for name, values in flow.items()}
    store.commit("keep", kept, ledger, flow=Flow(outcomes=outcomes, made=volume(made_of)))
    return store, items, ledger


def found(store: GeneratedStore, **tolerances: Any) -> SummaryItems:
    return summarise(
        store.store,
        cut(store.store, store.task),
        RunDefinition(name="made", tolerances=dict.fromkeys(store.stages) | tolerances),
    )


@pytest.mark.parametrize("seed", range(12))
def test_funnel_losses_and_fields_are_those_of_the_rows(tmp_path: Path, seed: int) -> None:
    store, items, ledger = made(tmp_path / "store", seed)
    summary = found(store).summary
    keep = summary.overview.funnel[-1]
    by_outcome = Counter(row.outcome.value for row in ledger)
    assert (keep.items_in, keep.items_kept, keep.items_out) == (len(items), by_outcome["done"], by_outcome["done"])
    seconds = {one.key: one.fields["duration"] for one in items}
    assert keep.seconds_in == pytest.approx(sum(seconds.values()))
    for group in summary.losses:
        rows = {row.key: row for row in ledger if (row.outcome, row.reason) == (group.outcome, group.reason)}
        assert group.items == len(rows)
        assert group.seconds == pytest.approx(sum(seconds[key] for key in rows))
        assert len(group.examples) == min(LOST, len(rows))
        assert all(rows[example.key].message == example.message for example in group.examples)
    assert {(group.outcome, group.reason) for group in summary.losses} == {
        (row.outcome, row.reason) for row in ledger if row.outcome is not DONE
    }
    lumas: dict[str, list[float]] = {"clips": [], "keep": []}
    for one, row in zip(items, ledger, strict=True):
        lumas["clips"].append(one.fields["measures"]["luma"])
        lumas["keep"] += [one.fields["measures"]["luma"]] if row.outcome is DONE else []
    for each in summary.distributions:
        if each.field == "measures.luma" and each.name in lumas and each.histogram:
            values = lumas[each.name]
            assert each.histogram.items == len(values)
            assert (each.histogram.least, each.histogram.most) == (min(values), max(values))
            assert each.histogram.mean == pytest.approx(sum(values) / len(values))
            for place, count in enumerate(each.histogram.counts):
                first, last = each.histogram.edges[place], each.histogram.edges[place + 1]
                inside = sum(first <= value < last for value in values)
                assert count == pytest.approx(inside, abs=2), "but for the rounding of edges"


def test_014_f03_examples_are_items_of_what_the_stage_read(tmp_path: Path) -> None:
    store, items, _ = made(tmp_path / "store", 3)
    seen = found(store)
    assert {one.key for one in seen.made["clips"]} <= {one.key for one in items}
    assert len(seen.made["clips"]) == min(MADE, len(items))
    for (name, _, _), inputs in seen.lost.items():
        assert name == "keep"
        assert all(one is not None and one.media is not None for one in inputs)


def test_the_same_state_gives_the_same_summary_and_another_one_another_name(tmp_path: Path) -> None:
    store, _, _ = made(tmp_path / "store", 5)
    first, again = found(store).summary, found(store).summary
    assert first == again
    last = cut(store.store, store.task).data["raw"].last
    store.commit("raw", [item("new")], [LedgerRow("new", 0, DONE)], kind="listing", before=last)
    later = found(store).summary.overview.moment
    assert later.state != first.overview.moment.state
    assert later.segments == {"raw": 2, "clips": 1, "keep": 1}


class GrowingStore:
    """A store in which a segment of `raw` and one of `clips` that covers it are closed while something is read."""

    def __init__(self, store: Store, grow: Any) -> None:
        self._store, self._grow, self.grown = store, grow, False

    def read(self, key: str, **more: Any) -> bytes:
        if not self.grown and "raw/" in key:
            self.grown = True
            self._grow()
        return self._store.read(key, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_014_f04_a_summary_of_a_store_that_is_written_to_has_every_input_of_every_stage(tmp_path: Path) -> None:
    store, _, _ = made(tmp_path / "store", 7)
    before = {name: data.last for name, data in cut(store.store, store.task).data.items()}

    def grow() -> None:
        new = [LedgerRow("new", 0, DONE)]
        store.commit("raw", [item("new")], new, kind="listing", before=before["raw"])
        store.commit("clips", [item("new")], new, before=before["clips"], covers={"raw": 2})
        store.commit("keep", [item("new")], new, before=before["keep"], covers={"clips": 2})

    growing = GrowingStore(store.store, grow)
    seen = cut(growing, store.task)
    assert growing.grown
    for stage in store.task.stages:
        for upstream, covered in seen.data[stage.name].coverage.items():
            assert covered <= seen.segments[upstream]
    rows = {row.name: row for row in status_rows(store.store, seen)}
    assert rows["clips"].in_ <= rows["raw"].items
    assert rows["keep"].in_ <= rows["clips"].items


def test_an_example_of_a_retried_input_is_gone_with_its_loss(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    store.commit("raw", [item("a"), item("b")], [LedgerRow(key, 0, DONE) for key in "ab"], kind="listing")
    first = store.commit("clips", [item("a")], [LedgerRow("a", 0, DONE), LedgerRow("b", 1, FAILED, "corrupt")])
    (group,) = found(store).summary.losses
    assert [example.key for example in group.examples] == ["b"]
    retried = first.replace(reasons={}, totals=first.totals.replace(in_=1, failed=0))
    store.commit("clips", [item("b")], [LedgerRow("b", 1, DONE)], kind="retry", before=retried, covers={"raw": 1})
    assert found(store).summary.losses == []


def verdict_of(store: GeneratedStore, **tolerances: str) -> tuple[str, str]:
    seen = cut(store.store, store.task)
    said = verdict(status_rows(store.store, seen), seen.reads(), dict.fromkeys(store.stages) | tolerances)
    return said.word, said.sentence


def test_the_verdict_is_one_word_and_one_sentence(tmp_path: Path) -> None:
    store = GeneratedStore(tmp_path / "store")
    assert verdict_of(store) == ("empty", "No run has listed the sources, so no stage has anything to do.")
    done = [LedgerRow(key, 0, DONE) for key in "abc"]
    items = [item(key) for key in "abc"]
    store.commit("raw", items, done, kind="listing")
    assert verdict_of(store)[0] == "behind"
    store.commit("clips", items[:2], [*done[:2], LedgerRow("c", 2, FAILED, "corrupt")])
    assert verdict_of(store, clips="0") == (
        "failed",
        (
            "3 items were listed; clips made 2; on the way, 1 failed. More items failed than tolerated: "
            "clips lost 1 of 3 items to failures."
        ),
    )
    store.commit("keep", items[:2], done[:2])
    assert verdict_of(store) == ("complete", "3 items were listed; keep made 2; on the way, 1 failed.")
