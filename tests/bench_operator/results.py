"""The results of a case, whose counts and times may come from different runs.

Counts per pipeline are the same on any machine. Times depend on its load, so a run that updates the counts may keep the
times, with their date and load.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
PARTS = ("counts", "times")


def renewed(
    known: Json, found: Json, about: Mapping[str, str], machine: Mapping[str, str], *, counts_only: bool
) -> Json:
    """The results of a case after another run, whose parts replace the previous ones.

    `found` has the load and a JSON object for each part; `about` has the date, the load average and a remark of the
    run. Without `counts_only`, all parts are of this run.
    """
    told = {"load": found["load"], **about}
    kept = {part: known[part] for part in PARTS if part in known} if counts_only else {}
    if "counts" in found:
        kept["counts"] = {**found["counts"], "run": {name: told[name] for name in ("load", "date")}}
    if "times" in found and not counts_only:
        kept["times"] = {**found["times"], "run": told, "machine": dict(machine)}
    return {part: kept[part] for part in PARTS if part in kept}
