"""The account and the credentials of a connection, in this order:

    <prefix>AZURE_STORAGE_ACCOUNT       name of the account, unless it is part of the endpoint
    <prefix>AZURE_STORAGE_KEY           the account's key
    <prefix>AZURE_STORAGE_SAS_TOKEN     a shared access signature
    <prefix>AZURE_STORAGE_ANONYMOUS=true    none, for public containers
    the identity of the process: the environment's service principal, a workload identity, a managed identity, the
    Azure CLI

A connection with a prefix never uses the variables without it, because those belong to another account. A connection
with a Secret never uses another identity.
"""

import re
from collections.abc import Mapping
from typing import Any

from reelmill.contract.errors import SpecError, StoreError
from reelmill.contract.task import Connection
from reelmill_stages.store.buckets.named_secret import refuse_other_identity

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}(?:-secondary)?")
_HINT = "set it to the name of the storage account, or set the endpoint to https://ACCOUNT.blob.core.windows.net"


def address(connection: Connection, env: Mapping[str, str], where: str) -> str:
    """Return the address of the account's blobs. Raises StoreError if it is not configured."""
    if connection.endpoint:
        return connection.endpoint.rstrip("/")
    name = f"{connection.env_prefix}AZURE_STORAGE_ACCOUNT"
    if not (account := env.get(name, "")):
        raise StoreError(f"{name} is not set", where=where, hint=_HINT)
    if not _ACCOUNT.fullmatch(account):  # any other text could be the name of another server
        raise StoreError(f"{name} is not the name of a storage account", where=where, hint=_HINT)
    return f"https://{account}.blob.core.windows.net"


def credential(connection: Connection, env: Mapping[str, str], where: str) -> Any:
    """Return a credential for azure-storage-blob; None for anonymous requests. Raises StoreError."""
    prefix = connection.env_prefix
    if key := env.get(f"{prefix}AZURE_STORAGE_KEY", ""):
        account = env.get(f"{prefix}AZURE_STORAGE_ACCOUNT", "")
        return {"account_name": account, "account_key": key} if account else key
    if signature := env.get(f"{prefix}AZURE_STORAGE_SAS_TOKEN", ""):
        return signature.lstrip("?")
    if env.get(f"{prefix}AZURE_STORAGE_ANONYMOUS", "").lower() in ("1", "true", "yes"):
        return None
    refuse_other_identity(connection, where, "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", either=True)
    return _identity()


def _identity() -> Any:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise SpecError(
            "the package 'azure-identity' is not installed", hint="pip install 'reelmill-stages[azure]'"
        ) from error
    return DefaultAzureCredential(exclude_interactive_browser_credential=True)
