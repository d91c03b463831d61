"""Rules for which servers may be read: allowed targets of redirects, and allowed addresses of hosts.

Lists of URLs come from anywhere. In a cluster, a URL or a redirect may point to addresses that only the cluster can
reach, such as a service without a password, or the credentials of a node.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from reelmill.contract.errors import ServerRefused, SpecError
from reelmill.contract.reasons import ItemReason

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All public addresses of IPv6 (RFC 4291, 2.4). Others embed IPv4 addresses, or belong to a site or a translator."""
_OF_CLOUDS = (ipaddress.IPv4Network("168.63.129.16/32"), ipaddress.IPv4Network("192.0.0.0/24"))
"""Networks of internal services of clouds: Azure's WireServer, and Oracle's metadata service."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A server: scheme, host and port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port != _PORTS[self.scheme] else "")


def origin(url: str) -> Origin:
    """Return the server of a URL. Raises SpecError for a URL without one."""
    try:
        parts = parse_url(url)  # parsed as by the client
        (parts.host or "").strip("[]").rstrip(".").encode("idna")  # encoded as by the resolver
    except (LocationParseError, UnicodeError) as error:
        raise SpecError("not a URL", where=url, hint="write https://host/path") from error
    if parts.scheme not in _PORTS or not parts.host or parts.auth is not None:
        raise SpecError("not a URL of a web server", where=url, hint="write https://host/path")
    return Origin(parts.scheme, parts.host.strip("[]").rstrip("."), parts.port or _PORTS[parts.scheme])


class Rules:
    """The servers that a source may read.

    `private` are servers that may have any address, `hosts` patterns of hosts to which every server may redirect.
    """

    def __init__(self, *, private: Sequence[str] = (), hosts: Sequence[str] = ()) -> None:
        self._private = frozenset(map(origin, private))
        self._hosts = tuple(pattern.lower().strip("[]") for pattern in hosts)

    def target(self, url: str, location: str) -> str:
        """Return the URL to which a response redirects. Raises ServerRefused."""
        try:
            target = urljoin(url, location).partition("#")[0]
        except ValueError as error:
            raise _redirect(url, "to an address that cannot be used") from error
        scheme = target.partition(":")[0].lower()
        if scheme not in _PORTS:
            raise _redirect(url, f"to a {scheme}: address, which is not followed")
        try:
            here, there = origin(url), origin(target)
        except SpecError as error:
            raise _redirect(url, f"to an address that cannot be used: {error.what}") from error
        if here.scheme == "https" and there.scheme == "http":
            raise _redirect(url, f"from https to {there}, which is not protected")
        if not self._may_follow(here, there):
            raise _redirect(url, f"to another server, {there}", f"add {there.host} to web.allowedHosts")
        return target

    def check_address(self, server: Origin, address: str) -> None:
        """Raise ServerRefused for an address that the server may not have."""
        if server not in self._private and (kind := not_public(address)):
            raise ServerRefused(
                ItemReason.PRIVATE_ADDRESS,
                f"{server.host} has the address {address}, which is {kind}, not public",
                where=str(server),
                hint=f"add {server} to web.privateServers if it may be read",
            )

    def _may_follow(self, here: Origin, there: Origin) -> bool:
        if any(fnmatchcase(there.host, pattern) for pattern in self._hosts):
            return True
        upgraded = (here.scheme, here.port, there.scheme, there.port) == ("http", 80, "https", 443)
        return here.host == there.host and (here.port == there.port or upgraded)


def not_public(address: str) -> str:
    """Return the word for an address that is not public; empty for a public one."""
    found = _embedded_address(ipaddress.ip_address(address))
    if found.is_loopback:
        return "loopback"
    if found.is_link_local:
        return "link-local"
    if found.is_unspecified or found.is_multicast or any(found in network for network in _OF_CLOUDS):
        return "reserved"
    return "" if found.is_global and (found.version == 4 or found in _UNICAST) else "private"


def _embedded_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that is embedded in an IPv6 address, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (0, None))[1] or address


def _redirect(url: str, what: str, hint: str = "list the target of the redirect") -> ServerRefused:
    return ServerRefused(ItemReason.REDIRECT, f"the server redirects {what}", where=url, hint=hint)
