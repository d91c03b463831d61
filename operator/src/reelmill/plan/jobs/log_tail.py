"""The last log lines of a step that ended without a report, as kept by Kubernetes or the local runner."""

from reelmill.contract.text.json_line import json_object

LENGTH = 400
"""Maximum length of the result in characters."""


def last_words(text: str) -> str:
    """The last lines of a log joined into one line, the newest last; empty for a report and for an empty text.

    For lines that are JSON records, the message is used. The first line may be truncated and is then used unchanged.
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


def _is_report(line: str) -> bool:
    found = json_object(line)
    return found is not None and "msg" not in found


def _message(line: str) -> str:
    found = json_object(line)
    if found is None or "msg" not in found:
        return line
    detail = str(found.get("traceback", "")).strip().splitlines()
    return f"{found['msg']} ({detail[-1]})" if detail else str(found["msg"])
