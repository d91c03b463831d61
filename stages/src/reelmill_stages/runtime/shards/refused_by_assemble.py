"""Inputs refused by `assemble`: their outcomes become failed before the outcomes of the shard are frozen."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reelmill.contract.log import event
from reelmill.contract.records.rows import Outcome
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.shards.outcomes import SettledInput, read_settled
from reelmill_stages.stage import Refused

log = logging.getLogger(__name__)


def write_refused(outcomes: RowFile, refused: Mapping[int, Refused], first: int, folder: Path) -> RowFile:
    """A new file with the outcomes of a shard, including refused inputs. `first` is the number of its first input."""
    revised = RowFile(folder / "revised.jsonl")
    for number, settled in enumerate(read_settled(outcomes.path), first):
        found = refused.get(number)
        if found is not None:
            row = replace(settled.ledger, outcome=Outcome.FAILED, reason=str(found.reason), message=found.message)
            event(log, "item failed", level=logging.WARNING, item=row.key, reason=row.reason, why=row.message)
            settled = SettledInput(row)
        revised.append_line(settled.line)
    revised.close()
    return revised
