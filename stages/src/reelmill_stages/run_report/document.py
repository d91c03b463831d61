"""The definition of a pipeline as shown in a report: the YAML without possible secrets."""

from typing import Any

from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.redaction import Redactor, redacted

SOME = 4_000
"""Maximum length of the definition of one stage, in characters."""
LONGEST = 256_000
"""Maximum length of the text shown, in characters."""


def shown(data: dict[str, Any], text: str = "") -> str:
    """The YAML to show.

    This is `text`, from which `data` was read, if the data contains no possible secrets; otherwise the data without
    them, as YAML. Long text is truncated.
    """
    plain = redacted(data)
    kept = Redactor().text(text) if text and plain == data else _yaml(plain)
    return kept if len(kept) <= LONGEST else f"{kept[:LONGEST]}\n# … {count_of(len(kept) - LONGEST, 'more character')}"


def yaml_of(definition: dict[str, Any]) -> str:
    """A definition as YAML, without possible secrets; truncated if it is too long."""
    text = _yaml(redacted(definition))
    return text if len(text) <= SOME else f"{text[:SOME]}\n# … {count_of(len(text) - SOME, 'more character')}"


def _yaml(data: Any) -> str:
    import yaml  # only needed for pages

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
