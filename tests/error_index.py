"""Generator of docs/errors.md (`make generate`): every reason and every error message of reelmill, with remedies.

Reasons come from their declarations, messages from errors in the sources that are raised with a hint.
"""

import ast
import re
from collections.abc import Iterator

from reelmill.contract import errors
from reelmill.contract.conditions import ConditionReason, EventReason
from reelmill.contract.counters import StageCounter
from reelmill.contract.reasons import ItemReason
from reelmill.schema.markdown import table
from repo.tree import ROOT, modules, nodes

PAGE = ROOT / "docs/errors.md"
RAISED = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ReelmillError) and kind is not errors.ReelmillError
)
VALUE = "…"
_HEAD = f"""# Index of errors

Generated from the sources by `make generate`: do not edit.

Look up a word or a message here, or search for it; `{VALUE}` stands for a value, such as a name or a number. reelmill
prints the location before a message, and the hint after it. [Troubleshooting](troubleshooting.md) explains common
problems of local runs, and the [failure handbook](failure-handbook.md) those of clusters.

## Words

These are reasons of conditions and events (shown by `kubectl describe` and `reelmill why`), reasons of items (in the
ledger), and counters of exceptional processing.

"""
_MESSAGES = """
## Messages

"""


def page() -> str:
    """The page for the current sources."""
    words = table(("word", "where", "meaning", "what to do"), sorted(_words(), key=lambda row: row[0].lower()))
    messages = sorted(set(_messages()), key=lambda row: (re.sub(r"\W+", " ", row[0]).strip().lower(), row))
    return _HEAD + words + _MESSAGES + table(("message", "what to do"), messages)


def _words() -> Iterator[tuple[str, str, str, str]]:
    for kind, where in ((ConditionReason, "condition"), (EventReason, "event")):
        for reason in kind:
            name = f"[`{reason}`](failure-handbook.md#{reason.lower()})" if reason.remedy else f"`{reason}`"
            yield name, where, reason.meaning, reason.remedy
    for item_reason in ItemReason:
        yield f"[`{item_reason}`](reasons.md)", "ledger", item_reason.meaning, item_reason.remedy
    for counter in StageCounter:
        yield f"[`{counter}`](reasons.md#counters)", "counter", counter.meaning, counter.remedy


def _messages() -> Iterator[tuple[str, str]]:
    """(message, hint) of all errors that are raised with a hint."""
    for _, path in modules():
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
                for what in _texts(node.args[0]) if node.args else ():
                    for hint in _texts(hints[0]) if hints else ():
                        if _says(what) and _says(hint):
                            yield _code(what), _code(hint)


def _texts(node: ast.expr) -> list[str]:
    """The possible texts of an expression, without values."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            made = [""]
            for part in parts:
                more = _texts(part.value) if isinstance(part, ast.FormattedValue) else _texts(part)
                made = [before + after for before in made for after in more][:4]
            return made
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one), *_texts(other)]
    return [VALUE]


def _says(text: str) -> bool:
    """Whether a text has words in addition to its values."""
    return len(re.findall(r"[a-zA-Z]{2,}", text)) > 1


def _code(text: str) -> str:
    """A text as code in a cell of a table, on one line."""
    shown = re.sub(f"{VALUE}+", VALUE, " ".join(text.split())).replace("`", "'")
    return f"`{shown}`"


if __name__ == "__main__":
    PAGE.write_text(page())
