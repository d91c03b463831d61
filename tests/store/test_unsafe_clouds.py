"""A bucket of Azure or Google Cloud behind a server that ignores conditions is refused as a store."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from reelmill.contract.errors import StoreUnsafe
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.probe import probe
from servers import faults
from servers.azurite import ACCOUNT, CONTAINER, KEY, Azurite
from servers.faults import fault_proxy
from servers.gcs import BUCKET, GcsServer

pytestmark = pytest.mark.store


def shared_access() -> str:
    """A signature that does not sign the headers of requests, as the key of an account does."""
    may = AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True)
    kinds = ResourceTypes(container=True, object=True)
    return str(generate_account_sas(ACCOUNT, KEY, kinds, may, datetime.now(UTC) + timedelta(hours=1)))


def opened(uri: str, endpoint: str, env: Mapping[str, str]) -> Store:
    return open_store(StoreRef(uri=uri, connection=Connection(endpoint=endpoint)), env=env)


@pytest.mark.parametrize("cloud", ["azurite", "gcs"])
def test_a_bucket_of_a_cloud_that_ignores_conditions_is_refused(cloud: str, request: pytest.FixtureRequest) -> None:
    server: Azurite | GcsServer = request.getfixturevalue(f"{cloud}_server")
    prefix = uuid4().hex
    if isinstance(server, Azurite):
        uri, path, env = f"az://{CONTAINER}/{prefix}", f"/{ACCOUNT}", {"AZURE_STORAGE_SAS_TOKEN": shared_access()}
    else:
        uri, path, env = f"gs://{BUCKET}/{prefix}", "", {"GOOGLE_STORAGE_ANONYMOUS": "true"}
    with fault_proxy(server.port) as proxy:
        stores = [opened(uri, f"http://127.0.0.1:{proxy.port}{path}", env) for _ in range(2)]
        for method in ("PUT", "POST"):
            proxy.fault(faults.unconditional, method=method, times=10_000)
        with pytest.raises(StoreUnsafe, match="the condition that it must not exist is ignored") as error:
            probe(*stores)
        assert "conditional writes" in error.value.hint
        assert list(stores[0].list()) == []
