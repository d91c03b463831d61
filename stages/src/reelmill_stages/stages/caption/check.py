"""`reelmill check` for captions: `captions.jsonl` has one row per item, each with a caption.

Rules: `rows` (every line is a row with all fields), `keys` (no duplicate keys), `captions` (none is empty).
"""

import json
from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.stages.caption.view import CAPTIONS

FORMAT = "captions"
_FIELDS = {"key", "media", "span", "caption"}


class CaptionsCheck:
    """The check for the format `captions`."""

    def detect(self, folder: Path) -> bool:
        return (folder / CAPTIONS).is_file()

    def check(self, folder: Path) -> Iterator[Finding]:
        keys: set[str] = set()
        count = 0
        try:
            with (folder / CAPTIONS).open(encoding="utf-8") as file:
                for count, line in enumerate(file, 1):
                    problem = _row_problem(json.loads(line), keys)
                    if problem:
                        rule, message = problem
                        yield Finding(CAPTIONS, rule, ok=False, message=f"line {count}: {message}")
        except (OSError, ValueError, RecursionError) as error:
            yield Finding(CAPTIONS, "rows", ok=False, message=f"after line {count}: {unreadable(error)}")
            return
        yield Finding(CAPTIONS, "rows", ok=True, message=f"{count_of(count, 'row')}")


def _row_problem(row: object, keys: set[str]) -> tuple[str, str] | None:
    if not isinstance(row, dict) or row.keys() != _FIELDS or not isinstance(row["key"], str):
        return "rows", f"not an object with {', '.join(sorted(_FIELDS))}"
    if row["key"] in keys:
        return "keys", f"the key {row['key']!r} is in an earlier line too"
    keys.add(row["key"])
    return None if row["caption"] else ("captions", "the caption is empty")
