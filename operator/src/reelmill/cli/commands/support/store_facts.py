"""What a bug report says about a pipeline's store: its records, the state of each stage, reasons, and ends of logs."""

from collections.abc import Callable

from reelmill.cli import store_commands
from reelmill.cli.commands.support.bundle import SupportBundle
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import LEDGER_SUMMARY, STATUS, SUPPORT_RECORDS
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec


def add_definition(bundle: SupportBundle, load: Callable[[], Loaded]) -> Loaded | None:
    """Keys and graph of a pipeline; None, and a note, if this release cannot read it."""
    with bundle.noting_errors("plan.json"):
        loaded = load()
        entries: dict[str, SourceSpec | StageSpec] = {**loaded.graph.sources, **loaded.graph.stages}
        bundle.document(
            "plan.json",
            [
                {
                    "name": name,
                    "block": entry.type,
                    "reads": list(loaded.graph.upstreams.get(name, ())),
                    "key": loaded.keys[name],
                }
                for name, entry in entries.items()
            ],
        )
        return loaded
    return None


def add_store(bundle: SupportBundle, loaded: Loaded) -> None:
    """What the store has, if it can be read from this machine."""
    with bundle.noting_errors("store"):
        task, env = store_commands.task(loaded), store_commands.environment()
        status, summary = store_commands.load(STATUS), store_commands.load(LEDGER_SUMMARY)
        bundle.collect("store/status.json", lambda: [row.to_json() for row in status(task, env)])
        bundle.collect("store/ledger-summary.json", lambda: [row.to_json() for row in summary(task, env)])
        for record in store_commands.load(SUPPORT_RECORDS)(task, env):
            name = f"store/{record.key}"
            if record.problem:
                bundle.missing(name, record.problem)
            else:
                bundle.record(name, record.text)
