"""The index of errors has every declared word, and the messages of the sources."""

import re

import error_index
from reelmill.contract.conditions import ConditionReason, EventReason
from reelmill.contract.counters import StageCounter
from reelmill.contract.reasons import ItemReason

TEXT = error_index.PAGE.read_text()


def test_the_index_is_as_the_sources_are() -> None:
    assert error_index.page() == TEXT, "run make generate"


def test_every_declared_word_is_in_the_index() -> None:
    words = {str(word) for kind in (ConditionReason, EventReason, ItemReason, StageCounter) for word in kind}
    listed = set(re.findall(r"^\| \[?`(\S+)`(?:\]\S+)? \| (?:condition|event|ledger|counter) ", TEXT, re.MULTILINE))
    assert listed == words


def test_a_message_of_every_kind_is_in_the_index_with_its_hint() -> None:
    rows = dict(re.findall(r"^\| `(.*)` \| `(.*)` \|$", TEXT, re.MULTILINE))
    assert len(rows) > 200
    assert rows["traces require the package …"] == "pip install 'reelmill[tracing]'"  # a value in an f-string
