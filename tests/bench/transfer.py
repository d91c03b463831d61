"""Benchmark of a shard's transfer: `S3Store` against bare minio-py on a local MinIO, 50 MB up and down."""

import io
import os
import uuid

from bench.bucket import BUCKET, Bucket, bucket
from bench.row import Row, begin, emit
from bench.timing import Act, in_turns

SIZE = 50_000_000
SMALL, MANY = 50_000, 100


def compare(case: str, peer_call: str, ours: Act, peer: Act, rounds: int, size: int = SIZE) -> None:
    peer()
    times = in_turns(ours, peer, rounds)
    rates = [size / 1e6 / seconds for seconds in times.medians]
    against = f"bare minio-py, {peer_call}"
    emit(Row("shard transfer", case, against, *rates, "MB/s", times.ratio, None, 0.9, rounds=times.rounds))


def rows(it: Bucket, rounds: int) -> None:
    store, client = it.store, it.client
    file = it.folder / "shard.tar"
    file.write_bytes(os.urandom(SIZE))
    small = os.urandom(SMALL)

    def put_peer() -> None:
        client.fput_object(bucket_name=BUCKET, object_name=f"peer/{uuid.uuid4()}", file_path=str(file))

    def read_peer() -> bytes:
        response = client.get_object(bucket_name=BUCKET, object_name="ours/k")
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def stream_ours() -> int:
        with store.open("k") as body:
            return sum(map(len, iter(lambda: body.read(1 << 20), b"")))

    def stream_peer() -> int:
        response = client.get_object(bucket_name=BUCKET, object_name="ours/k")
        try:
            return sum(map(len, response.stream(1 << 20)))
        finally:
            response.close()
            response.release_conn()

    def file_peer() -> None:
        client.fget_object(bucket_name=BUCKET, object_name="ours/k", file_path=str(it.folder / "peer.tar"))

    def many_ours() -> None:
        for _ in range(MANY):
            store.write(f"small/{uuid.uuid4()}", small, create=True)

    def many_peer() -> None:
        for _ in range(MANY):
            body = io.BytesIO(small)
            client.put_object(bucket_name=BUCKET, object_name=f"peer/{uuid.uuid4()}", data=body, length=SMALL)

    def put_ours() -> None:
        store.write(f"{uuid.uuid4()}", file, create=True)

    compare("put 50 MB", "fput_object", put_ours, put_peer, rounds)
    store.write("k", file)
    compare("get 50 MB to a file", "fget_object", lambda: store.fetch("k", it.folder).unlink(), file_peer, rounds)
    compare("get 50 MB to memory", "get_object().read()", lambda: store.read("k"), read_peer, rounds)
    compare("get 50 MB as a stream", "get_object().stream(1 MiB)", stream_ours, stream_peer, rounds)
    compare(f"put {MANY} of 50 kB", "put_object", many_ours, many_peer, rounds, MANY * SMALL)


def main(rounds: int) -> None:
    with bucket() as it:
        rows(it, rounds)


if __name__ == "__main__":
    begin(main, "shard transfer")
