"""A pipeline that is soon done: clips and frames of a few films, a shard for each; and one that takes its time."""

from typing import Any

from nodes.cluster_s3 import ClusterS3
from nodes.pipeline_inputs import film

Json = dict[str, Any]
FILMS = 2


def small(s3: ClusterS3, name: str, *, gpu: bool = False, bucket: str = "", **spec: Any) -> Json:
    """Its films are in the bucket `raw`, which all of them share; it writes to a bucket of its own or `bucket`."""
    for number in range(FILMS):
        uri = f"s3://raw/small/film{number}.mp4"
        if uri not in s3.written:
            s3.put(uri, film())
    clips: Json = {"name": "clips", "clip": {"by": "length", "length": "1s"}, "shards": FILMS, "parallelism": 2}
    frames: Json = {"name": "samples", "frames": {"count": 4, "width": 64, "height": 48, "layout": "npy"}, "shards": 1}
    if gpu:
        frames["gpu"] = {"count": 1, "products": ["NVIDIA-L4"]}
    return {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {"name": name},
        "spec": {
            "store": {
                "uri": f"s3://{bucket or s3.make_bucket()}/{name}",
                "endpoint": s3.endpoint,
                "secretRef": {"name": "s3-credentials"},
            },
            "sources": [{"name": "raw", "files": {"uri": "s3://raw/small/"}}],
            "stages": [clips, frames],
            **spec,
        },
    }
