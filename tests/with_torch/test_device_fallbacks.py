"""Why models run on a CPU: torch's own words, on a driver that has a GPU but no CUDA to run anything on."""

import json

import pytest

import fake_cuda

pytestmark = [pytest.mark.store, pytest.mark.skipif(fake_cuda.COMPILER is None, reason="no C compiler")]
PROGRAM = """
import json, os
from reelmill_stages.models.device import choose
found = {}
for wanted, library in (("auto", ""), ("gpu", ""), ("cpu", ""), ("auto", "absent"), ("gpu", "absent")):
    os.environ["FAKE_NVML"] = library
    device = choose(wanted)
    why = device.fallback
    found[f"{wanted} {library}".strip()] = [device.name, why and [why.reason, why.message]]
print(json.dumps(found))
"""


def test_a_model_that_finds_no_cuda_says_what_torch_said() -> None:
    found = json.loads(fake_cuda.python(PROGRAM))
    assert {device for device, _ in found.values()} == {"cpu"}
    told = {case: fallback and fallback[0] for case, (_, fallback) in found.items()}
    assert told["auto"] in ("driver", "package")  # by the build of torch
    assert told == {"auto": told["auto"], "gpu": told["auto"], "cpu": None, "auto absent": None, "gpu absent": "no_gpu"}
    assert "cuda" in found["auto"][1][1].lower()
