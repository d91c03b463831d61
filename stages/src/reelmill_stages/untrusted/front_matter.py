"""Parser for the front matter of a README, and the data files that it lists for Hugging Face."""

from pathlib import Path
from typing import Any

import yaml

from reelmill_stages.untrusted.yaml_values import load_yaml

DEFAULT = "default"


def data_files(readme: Path) -> list[str]:
    """Return the paths and patterns of all splits of the configuration `default`, which is loaded by default.

    Empty if there is none, or no README.

    https://huggingface.co/docs/hub/datasets-manual-configuration
    """
    try:
        configs = front_matter(readme.read_text(encoding="utf-8"))["configs"]
        chosen = [config for config in configs if config.get("config_name", DEFAULT) == DEFAULT]
        return [pattern for config in chosen for pattern in _paths(config["data_files"])]
    except (OSError, AttributeError, KeyError, TypeError, UnicodeDecodeError):
        return []


def front_matter(text: str) -> dict[str, Any]:
    """Return the fields of the front matter; empty if there is none or it is invalid."""
    try:
        found = load_yaml(text.split("---\n")[1].encode())
    except (IndexError, UnicodeEncodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _paths(files: Any) -> list[str]:
    if isinstance(files, str):
        return [files]
    if isinstance(files, dict):
        return _paths(files["path"]) if "path" in files else [path for one in files.values() for path in _paths(one)]
    return [path for one in files for path in _paths(one)]
