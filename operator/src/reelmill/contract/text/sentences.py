"""Sentences shared by several explanations: lists of names, and failed items with remedies."""

from collections import Counter
from collections.abc import Iterable, Mapping

from reelmill.contract.reasons import RetryHelps, item_reason


def sentence(text: str) -> str:
    """Add a full stop to a text."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def failures(failed: int, reasons: Mapping[str, int]) -> str:
    """`, 3 failed (too_short 3)`, with items by `outcome:reason`; empty if none failed."""
    if not failed:
        return ""
    classes = [f"{name.partition(':')[2]} {count:,}" for name, count in reasons.items() if name.startswith("failed:")]
    return f", {failed:,} failed" + (f" ({', '.join(classes)})" if classes else "")


def advice(stages: Iterable[Mapping[str, int]]) -> str:
    """Meaning of the most frequent reason of failed items, and a remedy; empty if the reason is not declared.

    Each stage is given as its items by `outcome:reason`.
    """
    counted = Counter[str]()
    for reasons in stages:
        counted.update({name: count for name, count in reasons.items() if name.startswith("failed:")})
    if not counted:
        return ""
    reason = item_reason(counted.most_common(1)[0][0].partition(":")[2])
    if reason is None:
        return ""
    helps = "a retry alone does not help" if reason.retry is RetryHelps.NO else f"a retry helps: {reason.retry}"
    return f"Mostly {reason}: {reason.meaning}; {reason.remedy} ({helps})."
