"""HTTP connections whose addresses are checked after the host is resolved, before anything is sent.

The host is resolved once, all its addresses are checked, and the connection uses one of them. So a name that changes
its address after the check has no effect.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

import certifi
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from reelmill_stages.store.web.rules import Origin, Rules

_CONNECT = 10.0
"""Seconds for one attempt to connect."""
_POOL = 16
_BLOCK = 1 << 18


def pool(rules: Rules, silence: float, env: Mapping[str, str] = os.environ) -> PoolManager:
    """Return connections to the servers that the rules allow, which wait `silence` seconds for the next byte.

    `SSL_CERT_FILE` is the file with the authorities, as for other programs. Requests raise ServerRefused for an
    address.
    """

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, rules, "http")

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, rules, "https")

    class PlainPool(HTTPConnectionPool):
        ConnectionCls: Any = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls: Any = Secure

    manager = PoolManager(
        num_pools=16,
        maxsize=_POOL,
        timeout=Timeout(connect=_CONNECT, read=silence),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=env.get("SSL_CERT_FILE") or certifi.where(),
        blocksize=_BLOCK,
    )
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return manager


def _connect(connection: HTTPConnection, rules: Rules, scheme: str) -> socket.socket:
    server = Origin(scheme, connection.host.strip("[]").rstrip("."), connection.port or 0)
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(server.host, connection, error) from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        rules.check_address(server, address)
    problem: Exception = OSError("the host has no address")
    for address in addresses:
        try:
            return _connect_to(connection, address)
        except OSError as error:
            problem = error
    if isinstance(problem, TimeoutError):
        raise ConnectTimeoutError(connection, f"no connection to {server} in time") from problem
    raise NewConnectionError(connection, f"no connection to {server}: {problem}") from problem


def _connect_to(connection: HTTPConnection, address: str) -> socket.socket:
    place = (address, connection.port or 0)
    return create_connection(place, connection.timeout, socket_options=connection.socket_options)
