"""The definition of a pipeline as a report shows it: the YAML, without what may be secret."""

from typing import Any

from reelmill.contract.text.redaction import Redactor, redacted

SOME = 4_000
"""Longest definition of one stage, in characters."""
LONGEST = 256_000
"""Longest text that is shown, in characters."""


def shown(data: dict[str, Any], text: str = "") -> str:
    """The YAML: `text`, which was read as `data`, if nothing in the data may be secret; else that of the data without
    it. A text that is too long is cut.
    """
    plain = redacted(data)
    kept = Redactor().text(text) if text and plain == data else _yaml(plain)
    return kept if len(kept) <= LONGEST else f"{kept[:LONGEST]}\n# … {len(kept) - LONGEST:,} more characters"


def yaml_of(definition: dict[str, Any]) -> str:
    """A definition as YAML, without what may be secret; cut if it is too long."""
    text = _yaml(redacted(definition))
    return text if len(text) <= SOME else f"{text[:SOME]}\n# … {len(text) - SOME:,} more characters"


def _yaml(data: Any) -> str:
    import yaml  # only pages need it

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
