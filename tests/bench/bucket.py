"""A local MinIO with an empty bucket, and two clients for it: reelmill's and bare minio-py."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minio import Minio

from bench.row import NotRun
from cluster.unavailable import Unavailable
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from servers import install
from servers.processes import running

KEY, SECRET, BUCKET = "reelmill-bench", "not-a-secret-at-all", "bench"


@dataclass(frozen=True, slots=True)
class Bucket:
    """`store` has its root at `ours/` in the bucket."""

    store: Store
    client: Minio
    port: int
    folder: Path
    """An empty folder, which is removed at the end."""


@contextmanager
def bucket() -> Iterator[Bucket]:
    """Raises NotRun without MinIO."""
    try:
        server = str(install.minio())
    except Unavailable as error:
        raise NotRun(str(error)) from error
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {"PATH": os.environ["PATH"], "HOME": name, "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}

        def command(ports: list[int]) -> list[str]:
            return [server, "server", "--quiet", "--address", f"127.0.0.1:{ports[0]}", str(folder / "data")]

        with running(command, 1, folder / "server", "/minio/health/ready", env) as (port,):
            at = f"127.0.0.1:{port}"
            client = Minio(endpoint=at, access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1")
            client.make_bucket(bucket_name=BUCKET)
            store = open_store(
                StoreRef(uri=f"s3://{BUCKET}/ours", connection=Connection(endpoint=f"http://{at}")),
                env={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
            )
            work = folder / "work"
            work.mkdir()
            yield Bucket(store, client, port, work)
