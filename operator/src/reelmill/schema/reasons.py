"""The declared reasons as documentation: a page about reasons of items, and tables in the pages about the status.

A page contains a table between `<!-- generated: NAME -->` and `<!-- /generated -->`; everything else is written by
hand.
"""

import re

from reelmill.contract.conditions import ConditionReason, ConditionType, EventReason, Topic
from reelmill.contract.counters import StageCounter
from reelmill.contract.reasons import ItemReason
from reelmill.schema import decoders, measures
from reelmill.schema.markdown import table

PAGES = ("docs/status.md", "docs/failure-handbook.md", "docs/measures.md", "docs/gpus.md")
"""Pages with generated tables."""
STALLED = (Topic.INPUT, Topic.STORE, Topic.STEPS)
_TABLE = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_HEAD = """# Reasons of items

Generated from the declared reasons by `make generate`: do not edit.

Every input of a stage that is not done has a row in the [ledger](concepts.md) with one of these words. The command
`reelmill ledger` counts them, and `--class REASON` lists the inputs. A row's message says what is wrong with its input.

The last column says whether `reelmill retry --class REASON` can help; `failures.retryItems` does the same by itself. A
retry takes up failed inputs only. Rows of a source are looked at again by every run, without a retry. Another value of
a parameter makes another data set, in which every input is worked on again.

A stage, sampler or plugin of your own may give any other word. It is stored, counted, shown and retried like these;
`reelmill why` and this page say nothing about it.

"""


_COUNTERS = """
## Counters

An input that is done may have been processed in another way than the ordinary one, or without some of its parts. Stages
count this, and how much they made, over all segments. `reelmill status`, `reelmill ledger`, the summary of `reelmill
run`, `reelmill check --stage` and the status of the resource show these counters beside the outcomes, and the
provenance of most items tells to which of them they belong. `*` stands for a part that differs.

A stage or sampler of your own may count any other word, which is stored and shown like these.

"""


def page() -> str:
    """The page docs/reasons.md."""
    rows = [
        (f"`{reason}`", ", ".join(reason.outcomes), reason.meaning, reason.remedy, reason.retry)
        for reason in sorted(ItemReason)
    ]
    counters = ((f"`{counter}`", counter.counting, counter.meaning, counter.remedy) for counter in sorted(StageCounter))
    reasons = table(("reason", "outcome", "meaning", "what to do", "a retry helps"), rows)
    return _HEAD + reasons + _COUNTERS + table(("counter", "counts", "meaning", "what to do"), counters)


def filled(text: str) -> str:
    """Update the tables in a page. Raises KeyError if a table does not exist."""
    made = tables()
    return _TABLE.sub(lambda found: found[1] + "\n" + made[found["name"]] + "\n" + found[3], text)


def tables() -> dict[str, str]:
    """Name -> Markdown."""
    return (
        measures.tables()
        | decoders.tables()
        | {
            "conditions": table(
                ("condition", "True means", "event when it becomes True"),
                ((f"`{type_}`", _condition_meaning(type_), type_.event or "none") for type_ in ConditionType),
            ),
            "quiet-reasons": _reason_table(Topic.NONE),
            "pod-reasons": _reason_table(Topic.PODS),
            "other-reasons": _reason_table(Topic.OTHERS),
            "stall-reasons": _reason_table(*STALLED),
            "events": table(
                ("event", "type", "when"), ((f"`{event}`", event.type, event.meaning) for event in EventReason)
            ),
            "pods": _handbook(Topic.PODS),
            "others": _handbook(Topic.OTHERS),
            "stalled-input": _handbook(Topic.INPUT),
            "stalled-store": _handbook(Topic.STORE),
            "stalled-steps": _handbook(Topic.STEPS),
        }
    )


def _condition_meaning(type_: ConditionType) -> str:
    return f"{type_.meaning}; shown once it was ever True" if type_.optional else type_.meaning


def _reason_table(*topics: Topic) -> str:
    rows = ((f"`{reason}`", reason.meaning) for reason in ConditionReason if reason.topic in topics)
    return table(("reason", "meaning"), rows)


def _handbook(topic: Topic) -> str:
    rows = (
        (f"[`{reason}`](#{reason.lower()})", reason.meaning, reason.remedy, reason.recovery)
        for reason in ConditionReason
        if reason.topic is topic
    )
    return table(("reason", "meaning", "what to do", "a retry helps"), rows)
