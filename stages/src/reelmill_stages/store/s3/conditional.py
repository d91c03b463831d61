"""Conditional writes, for which minio-py has no public method.

Only this module uses its private `_execute`; the distribution pins its minor version, and the conformance suite tests
this module. Bodies are bytes in memory, at most one part each.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from minio import Minio
from minio.error import S3Error
from urllib3.response import BaseHTTPResponse


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """The result of a write. `modified` is the time of the server in seconds since the epoch."""

    etag: str
    version: str
    modified: float


def condition(*, create: bool, if_match: str) -> dict[str, str]:
    """The request headers of a condition."""
    if create:
        return {"If-None-Match": "*"}
    return {"If-Match": f'"{if_match}"'} if if_match else {}


def put(client: Minio, bucket: str, key: str, body: bytes, headers: Mapping[str, str]) -> WriteReceipt:
    """PutObject. Raises the exceptions of minio-py."""
    response = client._execute("PUT", bucket, key, body=body, headers={"Content-Type": _BYTES, **headers})
    return _written(response, response.headers.get("etag", ""))


def begin(client: Minio, bucket: str, key: str, headers: Mapping[str, str]) -> str:
    """CreateMultipartUpload, with metadata; conditions are passed to `complete`. Returns the upload id."""
    response = client._execute(
        "POST", bucket, key, headers={"Content-Type": _BYTES, **headers}, query_params={"uploads": ""}
    )
    return _text(response, "UploadId")


def put_part(
    client: Minio, bucket: str, key: str, upload: str, number: int, body: bytes, headers: Mapping[str, str]
) -> str:
    """UploadPart; `number` counts from 1. Returns the etag of the part."""
    query: dict[str, str | list[str] | tuple[str]] = {"partNumber": str(number), "uploadId": upload}
    response = client._execute("PUT", bucket, key, body=body, headers=dict(headers), query_params=query)
    return response.headers.get("etag", "")


def complete(
    client: Minio, bucket: str, key: str, upload: str, parts: Sequence[tuple[str, str]], headers: Mapping[str, str]
) -> WriteReceipt:
    """CompleteMultipartUpload with a condition. An error in a response with status 200 is raised, too.

    `parts` are their etags and checksums (SHA-256 in base64).
    """
    root = ET.Element("CompleteMultipartUpload")
    for number, (etag, checksum) in enumerate(parts, start=1):
        part = ET.SubElement(root, "Part")
        ET.SubElement(part, "PartNumber").text = str(number)
        ET.SubElement(part, "ETag").text = etag
        ET.SubElement(part, "ChecksumSHA256").text = checksum
    response = client._execute(
        "POST",
        bucket,
        key,
        body=ET.tostring(root),
        headers={"Content-Type": "application/xml", **headers},
        query_params={"uploadId": upload},
    )
    if _tag(ET.fromstring(response.data)) == "Error":  # noqa: S314
        raise S3Error.fromxml(response)
    return _written(response, _text(response, "ETag"))


def abort(client: Minio, bucket: str, key: str, upload: str) -> None:
    """AbortMultipartUpload, which removes the parts."""
    client._execute("DELETE", bucket, key, query_params={"uploadId": upload})


_BYTES = "application/octet-stream"


def _written(response: BaseHTTPResponse, etag: str) -> WriteReceipt:
    date = response.headers.get("date", "")
    modified = parsedate_to_datetime(date).timestamp() if date else 0.0
    return WriteReceipt(etag.replace('"', ""), response.headers.get("x-amz-version-id", "") or "", modified)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(response: BaseHTTPResponse, name: str) -> str:
    for element in ET.fromstring(response.data):  # noqa: S314
        if _tag(element) == name:
            return element.text or ""
    raise S3Error(response, "InternalError", f"the response lacks {name}", None, None, None)
