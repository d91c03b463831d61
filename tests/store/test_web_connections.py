"""Connections to web servers: to which addresses they are made, and whose certificates are trusted."""

import socket
import ssl
from pathlib import Path

import pytest

from reelmill.contract.errors import ServerRefused, SpecError, StoreError, Unreachable
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.web.store import WebStore
from servers import faults
from servers.certificate import self_signed
from servers.faults import fault_proxy
from servers.web_server import WebServer

pytestmark = pytest.mark.store

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)
BODY = bytes(range(256))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433"])
def test_018_f02_no_connection_is_made_to_a_private_address(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        store = WebStore(f"http://{host}:{listening.getsockname()[1]}", limits=WebLimits(), patience=QUICK)
        with pytest.raises((ServerRefused, Unreachable, SpecError)):
            store.stat("k")
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_certificate_must_be_trusted(web_server: WebServer, tmp_path: Path) -> None:
    (web_server.folder / "k").write_bytes(BODY)
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with fault_proxy(web_server.port, tls) as proxy:
        url = f"https://127.0.0.1:{proxy.port}"
        limits = WebLimits(private_servers=(url,))
        with pytest.raises(StoreError, match="certificate is not trusted"):
            WebStore(url, limits=limits, patience=QUICK, env={}).stat("k")
        trusting = WebStore(url, limits=limits, patience=QUICK, env={"SSL_CERT_FILE": str(certificate)})
        assert trusting.read("k") == BODY
        proxy.fault(faults.redirect(f"http://127.0.0.1:{proxy.port}/k"))
        with pytest.raises(ServerRefused, match="from https to"):
            trusting.stat("k")
