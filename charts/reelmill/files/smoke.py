"""`helm test`: a pipeline is taken up by the operator and, unless it is suspended, runs to its end.

Unless the values name one, it is a small one over a film that is made here, from and to the bucket of `bucket.py`,
which stands before this text: nothing outside the cluster is needed.
"""

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path(os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
SERVER = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
RESOURCE = f"{SERVER}/apis/reelmill.dev/v1alpha1/namespaces/{os.environ['NAMESPACE']}/videopipelines"
NAME = os.environ["NAME"]
TRUST = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SMALL = {
    "store": {"uri": "s3://reelmill-test/out"},
    "defaults": {"env": [{"name": name, "value": "reelmill-test"} for name in KEYS]},
    "sources": [{"name": "films", "files": {"uri": "s3://reelmill-test/films/"}}],
    "stages": [
        {"name": "clips", "clip": {"by": "length", "length": "1s"}},
        {"name": "samples", "frames": {"count": 2, "width": 64, "height": 48, "layout": "jpg"}},
    ],
}


def small():
    """The small pipeline; the pods of its stages find the bucket in this pod."""
    import imageio_ffmpeg

    address, film = os.environ["POD_IP"], Path("/tmp/film.mp4")
    test = "testsrc=duration=2:size=160x120:rate=10"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", test, "-g", "5", str(film)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    port = serve().server_port  # noqa: F821 - of bucket.py
    endpoint = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    request = urllib.request.Request(f"{endpoint}/reelmill-test/films/film.mp4", film.read_bytes(), method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
    return {**SMALL, "store": {**SMALL["store"], "endpoint": endpoint}}


def ask(method, url, body=None):
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, context=TRUST, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if method == "DELETE" and error.code == 404:
            return {}
        sys.exit(f"{method} {url}: {error.code} {json.load(error).get('message', '')}")


def conditions(pipeline):
    status = pipeline.get("status", {})
    fresh = status.get("observedGeneration") == pipeline["metadata"]["generation"]
    return {one["type"]: one for one in status.get("conditions", ())} if fresh else {}


def main():
    spec = json.loads(os.environ["PIPELINE"]) or small()
    wanted = "Suspended" if spec.get("suspend") else "Complete"
    deadline = time.monotonic() + float(os.environ["TIMEOUT_SECONDS"])
    ask("DELETE", f"{RESOURCE}/{NAME}")
    while any(one["metadata"]["name"] == NAME for one in ask("GET", RESOURCE)["items"]):
        time.sleep(1)
    pipeline = {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {"name": NAME},
        "spec": spec,
    }
    ask("POST", RESOURCE, pipeline)
    said = ""
    while time.monotonic() < deadline:
        found = conditions(ask("GET", f"{RESOURCE}/{NAME}"))
        ready = found.get("Ready", {})
        if (line := f"{ready.get('reason', 'NotSeen')}: {ready.get('message', '')}") != said:
            print(said := line, flush=True)
        if found.get(wanted, {}).get("status") == "True":
            ask("DELETE", f"{RESOURCE}/{NAME}")
            return print(f"{wanted}: the operator works")
        if found.get("Stalled", {}).get("status") == "True":
            sys.exit(f"the pipeline is stalled: {found['Stalled']['message']}")
        time.sleep(1)
    sys.exit(f"not {wanted} in time; last: {said}. Is the operator's pod running? See its log.")


main()
