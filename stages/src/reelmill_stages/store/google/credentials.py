"""The credentials of a connection, in this order:

    <prefix>GOOGLE_SERVICE_ACCOUNT_KEY      the JSON of a service account's key, not the name of its file
    <prefix>GOOGLE_STORAGE_ANONYMOUS=true   none, for public buckets
    the identity of the process: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, a workload
    identity, the metadata server

A connection with a prefix never uses the variables without it, because those belong to another account. A connection
with a Secret never uses another identity.
"""

import json
from collections.abc import Mapping
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, MalformedError
from google.oauth2.service_account import Credentials

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection
from reelmill_stages.store.buckets.named_secret import refuse_other_identity

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)


def credential(connection: Connection, env: Mapping[str, str], where: str) -> Any:
    """Return credentials for google-cloud-storage. Raises StoreError."""
    name = f"{connection.env_prefix}GOOGLE_SERVICE_ACCOUNT_KEY"
    if key := env.get(name, ""):
        try:
            return Credentials.from_service_account_info(json.loads(key), scopes=_SCOPES)  # type: ignore[no-untyped-call]
        except (ValueError, MalformedError, AttributeError, TypeError) as error:
            hint = "set it to the JSON of a service account's key"
            raise StoreError(f"{name} is not the key of a service account", where=where, hint=hint) from error
    if env.get(f"{connection.env_prefix}GOOGLE_STORAGE_ANONYMOUS", "").lower() in ("1", "true", "yes"):
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    refuse_other_identity(connection, where, "GOOGLE_SERVICE_ACCOUNT_KEY")
    try:
        return google.auth.default(scopes=_SCOPES)[0]
    except DefaultCredentialsError as error:
        hint = f"set {name} or GOOGLE_APPLICATION_CREDENTIALS, or give the pod an identity"
        raise StoreError("no credentials", where=where, hint=hint) from error
