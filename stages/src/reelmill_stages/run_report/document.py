"""The definition of a pipeline as a report shows it: the YAML, without what may be secret."""

from typing import Any

from reelmill.contract.task_parts.run_report import without_values
from reelmill.contract.text.urls import without_secrets

SOME = 4_000
"""Longest definition of one stage, in characters."""
LONGEST = 256_000
"""Longest text that is shown, in characters."""


def shown(data: dict[str, Any], text: str = "") -> str:
    """The YAML: `text`, which was read as `data`, if nothing in it may be secret; else that of the data without values
    of variables and without credentials in addresses. A text that is too long is cut.
    """
    plain = masked(data)
    kept = without_secrets(text) if text and plain == data else _yaml(plain)
    return kept if len(kept) <= LONGEST else f"{kept[:LONGEST]}\n# … {len(kept) - LONGEST:,} more characters"


def yaml_of(definition: dict[str, Any]) -> str:
    """A definition as YAML, without what may be secret; cut if it is too long."""
    text = _yaml(masked(definition))
    return text if len(text) <= SOME else f"{text[:SOME]}\n# … {len(text) - SOME:,} more characters"


def _yaml(data: Any) -> str:
    import yaml  # only pages need it: a survey only masks

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def masked(value: Any) -> Any:
    """The data without values of variables and without credentials in addresses."""
    return _plain(without_values(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return without_secrets(value) if isinstance(value, str) else value
