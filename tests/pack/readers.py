"""The readers that tars are packed for: stock webdataset itself, and the rule of the packing pipeline's own reader."""

import gc
import json
import re
import tarfile
import warnings
from pathlib import Path
from typing import Any

import webdataset

NAME = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
KNOWN = {"jpg", "png", "jpeg", "txt", "json"}


def stock(*tars: Path) -> list[dict[str, Any]]:
    """Samples as stock webdataset yields them, undecoded. It leaves the tars to the garbage collector to close.

    Raises ValueError for a tar that it cannot read.
    """
    refused = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.freeze()  # what was there before is not looked through each time
        try:
            return list(webdataset.WebDataset([str(tar) for tar in tars], shardshuffle=False, empty_check=False))
        except (ValueError, tarfile.ReadError) as error:
            refused = str(error)
        finally:
            if refused:
                gc.collect()
            gc.unfreeze()
    raise ValueError(refused)


def patched(tar: Path) -> list[dict[str, Any]]:
    """Samples as the packing pipeline's reader groups them; one with a part that it does not know is dropped."""
    found: list[dict[str, Any]] = []
    opened = None
    with tarfile.open(tar, "r|") as members:
        for member in members:
            key, suffix = NAME.match(member.name).groups()
            if suffix == "json":
                opened = key
            elif opened is not None and key.startswith(f"{opened}-"):
                suffix, key = f"{key.removeprefix(f'{opened}-')}.{suffix}", opened
            if not found or found[-1]["__key__"] != key:
                found.append({"__key__": key})
            assert suffix not in found[-1], member.name
            found[-1][suffix] = members.extractfile(member).read()
    return [sample for sample in found if all(name.rpartition(".")[2] in KNOWN for name in sample if name != "__key__")]


def document(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample's json."""
    return json.loads(sample["json"])


def names(tar: Path) -> list[str]:
    """Members' names in order."""
    with tarfile.open(tar) as members:
        return members.getnames()
