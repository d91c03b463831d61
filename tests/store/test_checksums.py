"""The checksums that S3 servers compute of uploads."""

import hashlib
import io

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.store import Store
from reelmill_stages.store.s3.checksums import RECORD, content_digest, of_bytes, of_parts

MIB = 1 << 20
BIG = bytes(range(256)) * 4096 * 11
"""11 MiB: three parts of 5 MiB."""


def sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_a_server_knows_the_digest_of_what_it_was_given_however_it_was_uploaded(place, small_parts: Store) -> None:
    for size in (0, 10, 5 * MIB, 5 * MIB + 1, len(BIG)):
        body = BIG[:size]
        small_parts.write(f"k{size}", body, create=True, metadata={"who": "me"})
        expected = "" if place.kind in ("local", "azurite", "gcs") else sha256(body)
        assert small_parts.stat(f"k{size}").checksum == expected
        small_parts.move(f"k{size}", f"moved/{size}")
        moved = small_parts.stat(f"moved/{size}")
        assert moved.checksum in (expected, "")
        assert moved.metadata == {"who": "me"}


@given(body=st.binary(max_size=100), part_size=st.integers(1, 40))
def test_the_checksum_of_the_parts_leads_to_the_digest_of_the_content(body: bytes, part_size: int) -> None:
    digests = of_parts(io.BytesIO(body), part_size)
    assert len(digests.parts) == -(-len(body) // part_size)
    answer = {"X-Amz-Checksum-Sha256": digests.composite, **digests.record}
    assert content_digest(answer) == sha256(body)
    assert content_digest({**answer, RECORD: f"{digests.whole}/other-3"}) == ""
    assert content_digest({"X-Amz-Checksum-Sha256": digests.composite}) == ""


@given(st.binary(max_size=100))
def test_the_checksum_of_one_request_is_the_digest(body: bytes) -> None:
    assert content_digest(of_bytes(body)) == sha256(body)


@given(st.text(max_size=60))
def test_anything_else_is_no_checksum(value: str) -> None:
    assert content_digest({"x-amz-checksum-sha256": value, RECORD: value}) in ("", sha256(b""))
