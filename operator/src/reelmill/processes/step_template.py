"""The template process of a local run, and the modules that it imports for the steps."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reelmill.contract.errors import SpecError
from reelmill.contract.process.step_environment import step_environment
from reelmill.processes.forked import OwnedTemplate, ProcessTemplate
from reelmill.processes.start_method import StartMethod, start_method

if TYPE_CHECKING:
    from reelmill.contract.spec.pipeline import Spec

STEP = "reelmill_stages.runtime.step:main_forked"
"""The main program of a forked step."""

SURVEY = (
    "reelmill_stages.runtime.step",
    "reelmill_stages.runtime.survey.step",
    "reelmill_stages.runtime.next_passes",
)
"""Modules for a survey that finds nothing new, as in most runs, so that it does not wait for the stages' code."""
STEPS = (
    *SURVEY,
    "reelmill_stages.runtime.run_report",
    "reelmill_stages.runtime.open.step",
    "reelmill_stages.runtime.whole_pass",
    "reelmill_stages.runtime.shards.step",
    "reelmill_stages.runtime.workers.worker_main",
    "reelmill_stages.runtime.commit.step",
)
"""Modules for the steps of all pipelines, beginning with those that the template of the report also needs."""


_early: OwnedTemplate | None = None


def start_early(environment: Mapping[str, str] = os.environ) -> None:
    """Start the template before the command line is parsed, for the next `warm_template`, which also handles errors."""
    global _early
    with suppress(SpecError, OSError):
        if start_method(environment) is StartMethod.FORK:
            _early = _start_template(environment)


@contextmanager
def warm_template(environment: Mapping[str, str] = os.environ) -> Iterator[OwnedTemplate | None]:
    """Start the template of a run, which then imports the code of the survey. None if steps are spawned.

    Start it as early as possible: it imports while the pipeline is read. Raises SpecError if `REELMILL_START_METHOD`
    is invalid.
    """
    global _early
    if start_method(environment) is StartMethod.SPAWN:
        yield None
        return
    early, _early = _early, None
    with early or _start_template(environment) as template:
        yield template


def _start_template(environment: Mapping[str, str]) -> OwnedTemplate:
    # Its processes can read the environment that it was started with, in addition to their own.
    template = OwnedTemplate(step_environment(environment))
    template.preload(SURVEY)
    return template


def preload_blocks(
    template: ProcessTemplate | None, spec: "Spec", environment: Mapping[str, str], *, later: bool = False
) -> None:
    """Make the template, if there is one, import the code of a pipeline's sources and of the stages that are forked.

    `later`: import that of the stages only when a stage runs, because a run that finds nothing new does not need it.
    A survey that finds new items calls `preload_stages`.
    """
    if template is None:
        return
    uris = [spec.store.uri, *(str(getattr(source.block, "uri", "")) for source in spec.sources)]
    if any(uri.startswith("s3://") for uri in uris):
        template.preload(["reelmill_stages.store.s3.store"])
    template.preload(
        [f"reelmill_stages.sources.{type_}" for type_ in dict.fromkeys(source.type for source in spec.sources)]
    )
    preload_stages(template, [stage.type for stage in spec.stages], environment, later=later)


def preload_stages(
    template: ProcessTemplate, types: Sequence[str], environment: Mapping[str, str], *, later: bool = False
) -> None:
    """Make the template import the modules for steps of stages of these types, if they are forked."""
    forked = [type_ for type_ in dict.fromkeys(types) if start_method(environment, stage=type_) is StartMethod.FORK]
    template.preload([*STEPS, *(f"reelmill_stages.stages.{type_}.stage" for type_ in forked)], later=later)
