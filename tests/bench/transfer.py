"""A shard's transfer: `S3Store` beside bare minio-py on a local MinIO, 50 MB up and down.

Prints one JSON line per row: MB/s of both (medians of interleaved rounds) and the ratio.
"""

import io
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from minio import Minio

from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers import install
from servers.processes import running

ROUNDS = 5
SIZE = 50_000_000
KEY, SECRET, BUCKET = "reelmill-bench", "not-a-secret-at-all", "bench"


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def compare(name: str, ours: Callable[[], object], peer: Callable[[], object], size: int = SIZE) -> dict[str, object]:
    """Interleaved rounds after a warm-up, the order swapped each time; MB/s of both."""
    ours(), peer()
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    acts = [("ours", ours), ("peer", peer)]
    for turn in range(ROUNDS):
        for who, act in acts if turn % 2 else reversed(acts):
            times[who].append(seconds(act))
    rate = {who: size / 1e6 / statistics.median(values) for who, values in times.items()}
    return {
        "bench": name,
        "ours": round(rate["ours"]),
        "peer": round(rate["peer"]),
        "ratio": round(rate["ours"] / rate["peer"], 2),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "shard.tar"
        file.write_bytes(os.urandom(SIZE))
        env = {"PATH": os.environ["PATH"], "HOME": name, "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}

        def command(ports: list[int]) -> list[str]:
            return [
                str(install.minio()),
                "server",
                "--quiet",
                "--address",
                f"127.0.0.1:{ports[0]}",
                str(folder / "data"),
            ]

        with running(command, 1, folder / "server", "/minio/health/ready", env) as (port,):
            client = Minio(
                endpoint=f"127.0.0.1:{port}", access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1"
            )
            client.make_bucket(bucket_name=BUCKET)
            store = open_store(
                StoreRef(uri=f"s3://{BUCKET}/ours", connection=Connection(endpoint=f"http://127.0.0.1:{port}")),
                env={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
            )
            rows = [
                compare(
                    "shard transfer put",
                    lambda: store.write(f"{uuid.uuid4()}", file, create=True),
                    lambda: client.fput_object(
                        bucket_name=BUCKET, object_name=f"peer/{uuid.uuid4()}", file_path=str(file)
                    ),
                ),
            ]
            store.write("k", file)

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

            target = str(folder / "peer.tar")
            rows += [
                compare(
                    "shard transfer get to file",
                    lambda: store.fetch("k", folder),
                    lambda: client.fget_object(bucket_name=BUCKET, object_name="ours/k", file_path=target),
                ),
                compare("shard transfer get to memory", lambda: store.read("k"), read_peer),
                compare("shard transfer get as stream", stream_ours, stream_peer),
            ]
            small = os.urandom(50_000)

            def many_ours() -> None:
                for _ in range(100):
                    store.write(f"small/{uuid.uuid4()}", small, create=True)

            def many_peer() -> None:
                for _ in range(100):
                    client.put_object(
                        bucket_name=BUCKET,
                        object_name=f"peer/{uuid.uuid4()}",
                        data=io.BytesIO(small),
                        length=len(small),
                    )

            rows.append(compare("shard transfer put 100 small", many_ours, many_peer, 100 * len(small)))
        for row in rows:
            print(json.dumps(row))


if __name__ == "__main__":
    main()
