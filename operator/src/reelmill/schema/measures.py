"""The declared measures as tables for docs/measures.md, one per family."""

from reelmill.contract.measures import REDUCTIONS, Measure, MeasureFamily
from reelmill.schema.markdown import table


def tables() -> dict[str, str]:
    """Name of a table -> Markdown."""
    found = {f"measures-{family}": _family_table(family) for family in MeasureFamily}
    found["reductions"] = table(("word", "meaning"), ((f"`{word}`", meaning) for word, meaning in REDUCTIONS.items()))
    return found


def _family_table(family: MeasureFamily) -> str:
    rows = (
        (f"`{each}`", each.unit or ("text" if each.kind == "string" else ""), each.reduction, each.definition)
        for each in Measure
        if each.family is family
    )
    return table(("`measures.`", "unit", "default", "definition"), rows)
