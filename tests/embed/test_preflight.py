"""What can be known before any work: the pipeline is sound, the packages are there, the weights are the model's."""

import json
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.models.outline import outline
from reelmill_stages.stages.embed.lip import Lips
from reelmill_stages.stages.embed.lip_keys import keys

BLOCK = EmbedBlock.model_validate({"weights": {"uri": "/w.pth"}})


def safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """The table of contents of a file of weights; nobody looks behind it here."""
    entries = {name: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 0]} for name, shape in shapes.items()}
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def _check(weights: Path) -> None:
    Lips(BLOCK).check(lambda _: weights)


def test_003_f09_weights_are_judged_by_their_table_of_contents_without_torch(tmp_path: Path) -> None:
    _check(safetensors(tmp_path / "w", {**keys(), "tcn.anything": (3,)}))
    old = {name: shape for name, shape in keys().items() if not name.endswith("num_batches_tracked")}
    _check(safetensors(tmp_path / "w", old))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trunk.layer1.0.conv1.weight": None}, "1 missing: trunk.layer1.0.conv1.weight"),
        ({"fc.bias": (3,)}, "1 unexpected: fc.bias"),
        ({"frontend3D.2.weight": (1,)}, r"frontend3D.2.weight is \(1,\), not \(64,\)"),
    ],
)
def test_003_p4_wrong_keys_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    shapes = {name: shape for name, shape in {**keys(), **change}.items() if shape is not None}
    with pytest.raises(SpecError, match=said) as found:
        _check(safetensors(tmp_path / "w", shapes))
    assert found.value.where == "weights: /w.pth"


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("executed",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        pickle.dumps({"a": 1}),
        pickle.dumps(Evil()),
        struct.pack("<Q", 1 << 40) + b"{}",
        b"PK\x05\x06" + b"\0" * 18,
    ],
)
def test_a_file_that_is_not_weights_is_rejected_and_never_executed(
    tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(SpecError, match="not a file of weights"):
        outline(tmp_path / "w", "w")
    assert capsys.readouterr().out == ""


def test_a_pickle_in_a_zip_file_is_never_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "w", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": {"a": Evil()}}))
    with pytest.raises(SpecError, match="it contains no named tensors"):
        outline(tmp_path / "w", "w")
    assert capsys.readouterr().out == ""


@pytest.mark.store
def test_003_f09_an_installation_without_torch_names_the_extra_that_brings_it() -> None:
    program = (
        "from reelmill.contract.spec.stages.embed import EmbedBlock\n"
        "from reelmill_stages.stages.embed.stage import EmbedStage\n"
        "import sys; sys.modules['torch'] = None\n"
        "stage = EmbedStage(EmbedBlock.model_validate({'weights': {'uri': '/w'}}))\n"
        "try: stage.check()\n"
        "except Exception as error: print(type(error).__name__, error, error.hint)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True).stdout
    assert said.startswith("SpecError models: the package 'torch' is not installed")
    assert "reelmill-stages[embed]" in said


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"config": {"uri": "/c.json"}}, "config is not supported"),
        ({"window": 4}, "must be greater than twice the halo"),
    ],
)
def test_a_block_that_cannot_be_is_refused(params: dict[str, Any], said: str) -> None:
    block = EmbedBlock.model_validate({"weights": {"uri": "/w"}, **params})
    assert said in block.refusals()[0]
    assert not BLOCK.refusals()
