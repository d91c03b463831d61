"""Credentials of a connection, in this order:

    <prefix>AWS_ACCESS_KEY_ID, <prefix>AWS_SECRET_ACCESS_KEY, <prefix>AWS_SESSION_TOKEN
    <prefix>AWS_NO_SIGN_REQUEST=true      anonymous, for public buckets
    the AWS credentials file, web identity (IRSA), container credentials, instance metadata

A connection with a prefix never uses the variables without it, because those belong to another server. A connection
with a Secret never uses another identity.
"""

import os
from collections.abc import Mapping

from minio.credentials.credentials import Credentials
from minio.credentials.providers import AWSConfigProvider, IamAwsProvider, Provider, StaticProvider
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from reelmill.contract.errors import StoreError, TransientError
from reelmill.contract.task import Connection
from reelmill_stages.store.buckets.named_secret import refuse_other_identity

_IDENTITY = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def provider(env: Mapping[str, str], connection: Connection, where: str) -> Provider | None:
    """Return the credentials provider for a connection, which fetches them at the first request; None: anonymous.

    Raises StoreError if only one of access key and secret key is set, or none of them although they are in a Secret.
    """
    prefix = connection.env_prefix
    key, secret = (env.get(f"{prefix}{name}", "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    if key and secret:
        return StaticProvider(key, secret, env.get(f"{prefix}AWS_SESSION_TOKEN") or None)
    if key or secret:
        missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
        raise StoreError(f"{prefix}{missing} is not set", where=where, hint="set both keys, or neither")
    if env.get(f"{prefix}AWS_NO_SIGN_REQUEST", "").lower() in ("1", "true", "yes"):
        return None
    refuse_other_identity(connection, where, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return Ambient(prefix, where)


class Ambient(Provider):
    """Credentials of the machine or pod.

    Raises StoreError if there are none, and TransientError if they cannot be fetched at the moment.
    """

    def __init__(self, prefix: str, where: str) -> None:
        self._hint = f"set {prefix}AWS_ACCESS_KEY_ID and {prefix}AWS_SECRET_ACCESS_KEY, or give the pod an IAM role"
        self._where = where
        self._file = AWSConfigProvider()
        self._iam = IamAwsProvider(
            http_client=PoolManager(timeout=Timeout(connect=1.0, read=5.0), retries=Retry(total=2, backoff_factor=0.2))
        )

    def retrieve(self) -> Credentials:
        try:
            return self._file.retrieve()
        except ValueError:
            pass
        try:
            return self._iam.retrieve()
        except HTTPError as error:
            if any(os.environ.get(name) for name in _IDENTITY):
                raise TransientError(
                    f"cannot fetch the pod's credentials: {error}", where=self._where, hint="run again later"
                ) from error
            raise StoreError("no credentials found", where=self._where, hint=self._hint) from error
        except (ValueError, OSError) as error:
            raise StoreError(f"no credentials: {error}", where=self._where, hint=self._hint) from error
