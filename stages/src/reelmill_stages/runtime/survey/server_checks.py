"""Check of the servers that stages send requests to, before anything is spent on their items."""

from collections.abc import Sequence

from reelmill.contract.errors import SpecError
from reelmill.contract.task import StageDef
from reelmill_stages import registry
from reelmill_stages.runtime.survey.forecast import Waiting


def check_servers(stages: Sequence[StageDef], waiting: Waiting) -> None:
    """Check the servers of all stages with waiting inputs. Raises SpecError for one that cannot be used."""
    for stage in stages:
        if not waiting[stage.name][0] or registry.own_code(stage.type, stage.params):
            continue
        try:
            made = registry.stage(stage.type, stage.params)
        except SpecError:
            continue  # the open step reports what is missing
        try:
            made.check_server()
        except SpecError as error:
            raise SpecError(error.what, where=f"stage {stage.name}: {error.where}", hint=error.hint) from error
