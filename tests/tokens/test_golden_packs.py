"""Packs, indexes and losses of a generated set are byte for byte those that earlier versions wrote.

`golden_packs.json` holds digests by case. They change only together with the stage's data version; write new ones with
`python tests/tokens/test_golden_packs.py`.
"""

import json
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import Done, Failed
from tokens.desk import packed, processed
from tokens.varied_tars import tar, tokenizer

GOLDEN = Path(__file__).with_name("golden_packs.json")
SAMPLES = (530, 0, 1, 60, 30, 90)
CASES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "compat": {"keys": "compat", "max_tokens": 1500, "tars_per_tar": 2},
    "best-fit": {"packing": "best-fit", "max_tokens": 2000, "patches_per_image": 16, "tars_per_tar": 3},
    "cut": {"overlong": "cut", "max_tokens": 300, "patches_per_image": 64, "max_image_side": None},
    "short": {"max_tokens": 40, "patches_per_image": 3, "tars_per_tar": 1, "packing": "best-fit", "overlong": "cut"},
}


def digests(case: str, folder: Path) -> dict[str, str]:
    """File -> digest, of all files of a case.

    `outcomes` are the reasons and counters of the tars, without messages; `items` are the rows of the packs.
    """
    made = TokenizeBlock(tokenizer=FileRef(uri=str(tokenizer(folder / "tokenizer.json"))), **CASES[case])
    tars = [tar(folder / f"{number}.tar", number, count) for number, count in enumerate(SAMPLES)]
    outcomes = [
        result.reason if isinstance(result, Failed) else dict(result.counters)
        for _, result in processed(made, tars, folder / "work")
        if isinstance(result, Done | Failed)
    ]
    found, items = {"outcomes": json.dumps(outcomes, sort_keys=True).encode()}, []
    for one in packed(made, tars, folder / "out", shards=2):
        (item,) = one.items
        items.append([item.key, item.group, item.fields | {"tokenizer": None}])
        for file in (one.file, *item.files):
            found[file.name] = file.path.read_bytes()
            if file.name.endswith(".losses.jsonl"):
                # Messages of Python and of Pillow differ between their versions.
                found[file.name] = b"\n".join(
                    " ".join([str(loss["tar"]), loss["key"], loss["reason"]]).encode()
                    for loss in map(json.loads, found[file.name].splitlines())
                )
    found["items"] = json.dumps(items, sort_keys=True).encode()
    return {name: sha256(data).hexdigest()[:32] for name, data in found.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_packs_of_a_varied_set_are_byte_for_byte_those_of_earlier_versions(tmp_path: Path, case: str) -> None:
    assert digests(case, tmp_path) == json.loads(GOLDEN.read_text())[case]


if __name__ == "__main__":
    made = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            made[case] = digests(case, Path(name))
    GOLDEN.write_text(json.dumps(made, indent=1) + "\n")
