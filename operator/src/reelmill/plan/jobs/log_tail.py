"""What a step said before it ended without a report: the tail of its log, as Kubernetes or the local runner kept it."""

import json

LENGTH = 400
"""Characters of the tail that go into a message."""


def last_words(text: str) -> str:
    """The last lines of a log, newest last, in one line; empty for a report, and for no text.

    Lines that are JSON records give their message. The first line of a tail is often cut, and then shown as it is.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and _is_report(lines[0]):
        return ""
    words = ""
    for line in reversed(lines):
        longer = f"{_message(line)}; {words}" if words else _message(line)
        if words and len(longer) > LENGTH:
            break
        words = longer[-LENGTH:]
    return words


def _record(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_report(line: str) -> bool:
    found = _record(line)
    return found is not None and "msg" not in found


def _message(line: str) -> str:
    found = _record(line)
    if found is None or "msg" not in found:
        return line
    detail = str(found.get("traceback", "")).strip().splitlines()
    return f"{found['msg']} ({detail[-1]})" if detail else str(found["msg"])
