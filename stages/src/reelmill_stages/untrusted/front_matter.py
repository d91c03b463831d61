"""The data files that the front matter of a README lists for Hugging Face."""

from pathlib import Path
from typing import Any

import yaml

from reelmill_stages.untrusted.yaml_values import load_yaml


def data_files(readme: Path) -> list[str]:
    """The paths and patterns of all configurations and splits; empty if there are none, or no README.

    https://huggingface.co/docs/hub/datasets-manual-configuration
    """
    try:
        front = readme.read_text(encoding="utf-8").split("---\n")[1]
        return [pattern for config in load_yaml(front.encode())["configs"] for pattern in _paths(config["data_files"])]
    except (OSError, IndexError, KeyError, TypeError, UnicodeDecodeError, yaml.YAMLError):
        return []


def _paths(files: Any) -> list[str]:
    if isinstance(files, str):
        return [files]
    if isinstance(files, dict):
        return _paths(files["path"]) if "path" in files else [path for one in files.values() for path in _paths(one)]
    return [path for one in files for path in _paths(one)]
