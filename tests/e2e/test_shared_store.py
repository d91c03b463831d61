"""Two pipelines on one store at once: each ends complete, and what they share is done once."""

from pathlib import Path

import pytest
from workshop import SAMPLES, Workshop, balanced

pytestmark = pytest.mark.store

LOOKED = {"name": "clips", "clip": {"by": "length", "length": "1s"}}


def test_two_pipelines_share_what_they_have_in_common(tmp_path: Path) -> None:
    one = Workshop(tmp_path, stages=[LOOKED, SAMPLES | {"frames": {"layout": "npy", "count": 2}}], name="one")
    one.film(*(f"{number}.mp4" for number in range(10)))
    one.files()
    other = Workshop(tmp_path, one.sources, [LOOKED, {"name": "shards", "pack": {}}], name="other")
    runs = [one.start(), other.start()]
    for run in runs:
        _, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
    balanced(one, "raw", "clips", "samples", "shards")
    assert one.data("clips").last.segment == one.data("raw").last.segment == 1
    assert (one.data("clips").totals.done, one.data("samples").totals.done, one.data("shards").totals.done) == (
        10,
        20,
        20,
    )
    assert {state["state"] for run in (one, other) for state in run.run().values()} == {"cached"}
