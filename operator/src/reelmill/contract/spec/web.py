"""How a source reads files of web servers, by `https://` URLs, and of the Hugging Face Hub."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from reelmill.contract.spec.field_types import Duration, Endpoint, Text
from reelmill.contract.spec.spec_model import SpecModel

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?", re.IGNORECASE)
_SERVER = re.compile(r"https?://[^/\s]+")


def _host(pattern: str) -> str:
    if not _HOST.fullmatch(pattern):
        raise ValueError(f"{pattern!r} is not a host: write cdn.example.org, or *.example.org for all hosts below it")
    return pattern


def _server(url: str) -> str:
    if not _SERVER.fullmatch(url):
        raise ValueError(f"{url!r} is not a server: write http://host:8080, without a path")
    return url


class WebAccess(SpecModel):
    """Which web servers a source may read, and how often. It is no part of the key of the source."""

    allowed_hosts: Annotated[list[Annotated[Text, AfterValidator(_host)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    """Hosts to which a server may redirect, besides its own: `cdn.example.org`, or `*.example.org` for all hosts below
    it. Other redirects are refused."""
    private_servers: Annotated[list[Annotated[Endpoint, AfterValidator(_server)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    """Servers, as `http://host:8080`, that may be read although their address is not public: one of a private network,
    of the cluster or of this machine. All others are refused after their address is resolved, before anything is sent.
    The operator's `policy.allowedServers` applies to them."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    """Maximum number of requests at the same time to one server, from all processes of a pod, or of one machine."""
    delay: Duration = "0s"
    """Minimum time between the beginnings of two requests to one server, from all processes of a pod or machine. A
    server's `Retry-After` is obeyed in any case."""
    timeout: Duration = "60s"
    """Time to wait for the next byte of an answer."""
