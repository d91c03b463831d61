"""Prompts with placeholders for fields of an item. Placeholders in the values of fields are not replaced."""

import json
import re
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Fields
from reelmill.contract.spec.stages.caption import PLACEHOLDER

_BRACES = {"{{": "{", "}}": "}"}


def rendered(template: str, fields: Fields) -> str:
    """Return the prompt of an item. Strings are inserted unchanged, other values as JSON.

    Raises ItemError with reason `no_field`.
    """
    return PLACEHOLDER.sub(lambda found: _field_text(found, fields), template)


def _field_text(found: re.Match[str], fields: Fields) -> str:
    path = found[1]
    if path is None:
        return _BRACES[found[0]]
    value: Any = fields
    for part in path.split("."):
        if (not isinstance(value, dict) and value is not fields) or part not in value:
            raise ItemError(ItemReason.NO_FIELD, f"the item has no field {path!r}, which the prompt names")
        value = value[part]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
