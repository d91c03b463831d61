"""Texts that list files which `forget` deleted are found, however they write the paths."""

import pytest

from reelmill.contract.records.forgotten import ForgottenNames, tombstone_digest
from reelmill_stages.runtime.forget.search.names import DigestNames

ROOT = "tars/0123456789"
NAMES = DigestNames(
    "raw",
    [
        ForgottenNames(
            forgotten="2026-01-01T00:00:00Z",
            place="",
            roots=(ROOT,),
            items=(),
            names=(),
            words=(),
            files=(tombstone_digest("raw", f"{ROOT}/0001/shared-00000.tar"),),
        )
    ],
    [],
)


@pytest.mark.parametrize("root", ["", ROOT])
@pytest.mark.parametrize(
    "text",
    [
        "0001/shared-00000.tar",
        "- `0001/shared-00000.tar`: eight clips",
        "see 0001/other.tar and 0001/shared-00000.tar.",
        '"data/0001/shared-00000.tar"',
        f"([{ROOT}/0001/shared-00000.tar])",
    ],
)
def test_a_text_with_the_path_of_a_deleted_file_is_found(text: str, root: str) -> None:
    assert NAMES.is_deleted_file(text, root)


@pytest.mark.parametrize("text", ["", "`0001/other.tar`", "0002/shared-00000.tar", "shared-00000.tar", "0001/ shared"])
def test_other_texts_are_not(text: str) -> None:
    assert not NAMES.is_deleted_file(text)
