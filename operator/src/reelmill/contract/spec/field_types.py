"""Field types of the resource: bounded names, durations, quantities, shares, rates."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from reelmill.contract.text.urls import has_query, has_user_info

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=40)]
"""Name of a source or stage: lower-case letters, digits and hyphens."""


_MISTYPED = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:[/\\]+|//+|\\\\+)[^/\\]*:[^/\\]*@")
"""Matches a URL with credentials that is parsed as a path because of its slashes: `s3:/user:key@host/`."""


def _without_user_info(uri: str) -> str:
    if has_user_info(uri) or _MISTYPED.match(uri):
        raise ValueError(
            "a URI must not contain credentials: on one machine, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "in a cluster, name a Secret in secretRef"
        )
    return uri


_NO_HOST = re.compile(r"[\x00-\x20\x7f\\'\"<>]")


def _plain_endpoint(url: str) -> str:
    if has_query(url):
        raise ValueError("an endpoint must not contain a query or a fragment: write it as http://host:9000")
    if _NO_HOST.search(url):  # clients disagree on whether these characters end the host
        raise ValueError("an endpoint must not contain spaces, quotes or backslashes: write it as http://host:9000")
    return url


Uri = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_without_user_info)]
"""`s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix`, or a local folder or file if the pipeline runs
on one machine. Of sources also `https://host/path` and `hf://datasets/owner/name/path`. Without credentials."""

Endpoint = Annotated[Uri, AfterValidator(_plain_endpoint)]
"""URL of a server: `http://host:9000`. Without credentials, which are in a Secret or in the environment."""

Text = Annotated[str, Field(max_length=256)]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$", re.ASCII)
_SHARE = re.compile(r"^(?:\d+|\d+(?:\.\d+)?%)$")
_QUANTITY = re.compile(r"^\d+(?:\.\d+)?(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")


def seconds(duration: str) -> float:
    """Convert a duration such as `90s`, `10m` or `1h30m` to seconds. Raises ValueError for other text."""
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is not a duration: write 90s, 10m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", duration))


def _duration(text: str) -> str:
    seconds(text)
    return text


def _share(text: str) -> str:
    if not _SHARE.match(text) or (text.endswith("%") and float(text[:-1]) > 100):
        raise ValueError(f"{text!r} is neither a number of items nor a percentage: write 20 or 1%")
    return text


def _quantity(text: str) -> str:
    if not _QUANTITY.match(text):
        raise ValueError(f"{text!r} is not a quantity: write 500m, 4 or 8Gi")
    return text


def _positive(text: str) -> str:
    if not float(text.rstrip("kKMGTPim")):
        raise ValueError("must be more than zero")
    return text


def _number_as_text(value: object) -> object:
    """Accept numbers (`cpu: 4`, `tolerate: 20`) as text, as Kubernetes does."""
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

Rate = Annotated[Quantity, AfterValidator(_positive)]
"""A number of bytes per second, as a Kubernetes quantity: `50M`."""
