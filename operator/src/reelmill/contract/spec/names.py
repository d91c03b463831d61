"""The small vocabulary of the resource: bounded names, durations, quantities, shares."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=40)]
"""A source's or stage's name: lower-case letters, digits and dashes."""

Uri = Annotated[str, Field(min_length=1, max_length=1024)]
"""`s3://bucket/prefix`, or a folder or file for a run on one machine."""

Text = Annotated[str, Field(max_length=256)]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$")
_SHARE = re.compile(r"^(?:\d+|\d+(?:\.\d+)?%)$")
_QUANTITY = re.compile(r"^\d+(?:\.\d+)?(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")


def seconds(duration: str) -> float:
    """Seconds of a duration such as `90s`, `10m` or `1h30m`. Raises ValueError otherwise."""
    if not _DURATION.match(duration):
        raise ValueError(f"{duration!r} is not a duration: write 90s, 10m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", duration))


def _duration(text: str) -> str:
    seconds(text)
    return text


ALLOWED_ANYWAY = 10
"""Failed items that are tolerated by default, however small the stage: one broken file stops no first run."""


def allowed(share: str | None, total: int) -> int:
    """How many of `total` items a share (`1%` of them, or `20`) allows; None: 1% or 10 items, whichever is more."""
    if share is None:
        return max(ALLOWED_ANYWAY, total // 100)
    return int(float(share[:-1]) * total / 100) if share.endswith("%") else int(share)


def _share(text: str) -> str:
    if not _SHARE.match(text) or (text.endswith("%") and float(text[:-1]) > 100):
        raise ValueError(f"{text!r} is neither a number of items nor a percentage: write 20 or 1%")
    return text


def _quantity(text: str) -> str:
    if not _QUANTITY.match(text):
        raise ValueError(f"{text!r} is not a quantity: write 500m, 4 or 8Gi")
    return text


def _number_as_text(value: object) -> object:
    """YAML's `cpu: 4` and `tolerate: 20` mean the text, as in Kubernetes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_INT_OR_STRING = {"x-kubernetes-int-or-string": True}

Duration = Annotated[
    str, Field(max_length=20, json_schema_extra={"pattern": _DURATION.pattern}), AfterValidator(_duration)
]
"""`90s`, `10m`, `1h30m`."""

Share = Annotated[
    str,
    Field(max_length=20, json_schema_extra={"pattern": _SHARE.pattern, **_INT_OR_STRING}),
    BeforeValidator(_number_as_text),
    AfterValidator(_share),
]
"""A number of items (`20`) or a percentage of them (`1%`)."""

Quantity = Annotated[
    str,
    Field(max_length=20, json_schema_extra={"pattern": _QUANTITY.pattern, **_INT_OR_STRING}),
    BeforeValidator(_number_as_text),
    AfterValidator(_quantity),
]
"""A Kubernetes quantity: `500m`, `4`, `8Gi`."""
