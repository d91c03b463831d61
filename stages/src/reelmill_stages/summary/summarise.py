"""The complete summary of a pipeline at one moment: its overview, and facts from the rows of items and ledgers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from reelmill.contract.commands.summary import Distribution, LossGroup, Summary
from reelmill.contract.records.rows import Item
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.contract.text.quantities import count_of
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import ConsistentCut
from reelmill_stages.summary.item_facts import item_facts
from reelmill_stages.summary.losses import losses
from reelmill_stages.summary.overview import overview
from reelmill_stages.summary.passes import MOST_PASSES

MADE, LOST = 12, 6
"""Number of example items: per data set, and per loss."""


@dataclass(frozen=True, slots=True)
class SummaryItems:
    """A summary with example items."""

    summary: Summary
    made: Mapping[str, list[Item]]
    """Source or stage -> some of its items."""
    lost: Mapping[tuple[str, str, str], list[Item | None]]
    """(stage, outcome, reason) -> the inputs of the examples of that loss; None for an input without a row."""


def summarise(store: Store, cut: ConsistentCut, definition: RunDefinition) -> SummaryItems:
    """Read commits and rows. Memory use is bounded for any number of items, and each row is read once."""
    run_overview = overview(store, cut, definition)
    reads = cut.reads()
    lost = [group for row in run_overview.funnel for group in losses(row, cut.data[row.name].ledger(), LOST)]
    made: dict[str, list[Item]] = {}
    inputs: dict[str, dict[str, Item]] = {}
    distributions: dict[str, list[Distribution]] = {}
    left_out = [
        f"{name}: the timeline shows the last {MOST_PASSES} of its {count_of(count, 'segment')}"
        for name, count in cut.segments.items()
        if count > MOST_PASSES
    ]
    for name in cut.upstream_first():
        above = [one for upstream in reads.get(name, ()) for one in distributions[upstream]]
        wanted = _example_keys(name, reads, lost)
        with TemporaryDirectory(prefix="fields-", dir=cut.data[name].scratch) as scratch:
            items = cut.data[name].items()
            facts = item_facts(name, items, Path(scratch), examples=MADE, wanted=wanted, above=above)
        made[name], inputs[name], distributions[name] = facts.made, facts.found, facts.distributions
        if facts.left_out:
            left_out.append(f"{name}: {count_of(facts.left_out, 'field')} have no histogram")
    return SummaryItems(
        summary=Summary(
            overview=run_overview,
            losses=lost,
            distributions=[each for name in cut.data for each in distributions[name]],
            left_out=left_out,
        ),
        made=made,
        lost={
            (group.name, group.outcome, group.reason): [
                next((inputs[each][one.key] for each in reads.get(group.name, ()) if one.key in inputs[each]), None)
                for one in group.examples
            ]
            for group in lost
        },
    )


def _example_keys(name: str, reads: Mapping[str, tuple[str, ...]], lost: list[LossGroup]) -> frozenset[str]:
    """Keys of the examples that are items of a source or stage."""
    readers = {stage for stage, upstreams in reads.items() if name in upstreams}
    return frozenset(one.key for group in lost if group.name in readers for one in group.examples)
