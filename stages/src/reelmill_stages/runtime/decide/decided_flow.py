"""Effect of verdicts on the flow of a shard: some done inputs become filtered, and their items are dropped."""

from reelmill.contract.records.flow import Flow, Volume
from reelmill.contract.records.rows import Item, Outcome
from reelmill_stages.records.rows.flow_tally import FlowTally
from reelmill_stages.runtime.decide.verdict_files import Verdict


class DecidedFlow:
    """Adds up the items of a shard, in order. `before` is the flow without verdicts; None if unknown."""

    def __init__(self, before: Flow | None) -> None:
        self._before = before
        self._tally = FlowTally()
        self._is_known = True

    def keep(self, item: Item) -> None:
        """Add an item that is kept."""
        self._tally.pass_on(item)

    def drop(self, item: Item, verdict: Verdict) -> None:
        """Add an item of a filtered input; it has the same duration as the input."""
        self._is_known = self._is_known and verdict.place.items == 1 and item.key == verdict.key
        self._tally.add(item, f"{Outcome.FILTERED}:{verdict.reason}", size=verdict.place.input_bytes)

    def flow(self) -> Flow | None:
        """The flow with the verdicts; None if it is unknown or does not add up."""
        before = self._before
        if before is None or not self._is_known:
            return None
        found = self._tally.flow()
        if found is None:
            return None
        try:
            outcomes = dict(before.outcomes)
            for name, volume in found.outcomes.items():
                outcomes[Outcome.DONE] = outcomes.get(Outcome.DONE, Volume()) - volume
                outcomes[name] = outcomes.get(name, Volume()) + volume
        except ValueError:
            return None
        left = {str(name): volume for name, volume in sorted(outcomes.items()) if volume.items}
        return before.replace(outcomes=left, made=found.made)
