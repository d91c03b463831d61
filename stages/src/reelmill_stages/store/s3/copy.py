"""A copy inside a bucket, made by the server, with the object's metadata."""

from minio import Minio
from minio.commonconfig import ComposeSource, CopySource

MOST = 5 << 30
"""Maximum size in bytes of a copy in one request; larger objects are copied in parts, with the metadata sent again."""

_META = "x-amz-meta-"


def copy(client: Minio, bucket: str, key: str, to: str, size: int) -> None:
    """Copy an object of `size` bytes. Raises the exceptions of minio-py."""
    if size < MOST:
        client.copy_object(bucket_name=bucket, object_name=to, source=CopySource(bucket_name=bucket, object_name=key))
        return
    headers = client.stat_object(bucket_name=bucket, object_name=key).metadata or {}
    client.compose_object(
        bucket_name=bucket,
        object_name=to,
        sources=[ComposeSource(bucket_name=bucket, object_name=key)],
        metadata={name[len(_META) :]: value for name, value in headers.items() if name.lower().startswith(_META)},
    )
