"""Format a JSON log line for a terminal: time, label, message, fields. Pure."""

from rich.text import Text

from reelmill.contract.text.json_line import json_object
from reelmill.contract.text.terminal import printable

_FIXED = frozenset({"ts", "level", "msg", "stage", "segment", "shard", "run", "traceback", "trace_id", "span_id"})
_STYLES = {"warning": "yellow", "error": "red", "critical": "red"}


def rendered(line: str, who: str = "") -> Text:
    """`12:01:33 clips/3 the message field=value`; a line that is not a JSON object is returned unchanged."""
    record = json_object(line) or {"msg": line}
    text = Text()
    if stamp := str(record.get("ts") or "")[11:19]:
        text.append(f"{stamp} ", style="dim")
    if who:
        text.append(f"{who} ", style="cyan")
    text.append(printable(str(record.get("msg", line))), style=_STYLES.get(str(record.get("level")), ""))
    fields = "".join(f" {name}={value}" for name, value in record.items() if name not in _FIXED and value != "")
    text.append(printable(fields), style="dim")
    if traceback := record.get("traceback"):
        text.append(f"\n{printable(str(traceback), keep=chr(10))}", style="dim")
    return text
