"""Names and signatures of the commands that `reelmill-stages` registers as entry points in `reelmill.commands`.

The command line calls them by these names; each function has the signature declared here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:  # a command should not import the rows of all others
    from pathlib import Path

    from reelmill.contract.commands.dashboard import DashboardCommand
    from reelmill.contract.commands.dataset_card import CardResult
    from reelmill.contract.commands.demo import DemoInputs, DemoSamples
    from reelmill.contract.commands.diff_rows import DiffCount, DiffRow, Side
    from reelmill.contract.commands.funnel import FunnelRow
    from reelmill.contract.commands.integrity import IntegrityCommand
    from reelmill.contract.commands.lineage_rows import (
        CheckForgottenCommand,
        ForgetResult,
        LineageResult,
        RebuildCommand,
        ReleaseForgottenCommand,
        TraceRow,
    )
    from reelmill.contract.commands.places import PlacesResult
    from reelmill.contract.commands.prune_rows import PruneResult
    from reelmill.contract.commands.result_rows import (
        ExportMode,
        ExportResult,
        FindingRow,
        Forecast,
        LedgerCount,
        LogLine,
        RepairResult,
        ReplayResult,
        StageLedgerRow,
        StatusRow,
    )
    from reelmill.contract.commands.summary import ReportResult
    from reelmill.contract.commands.support import SupportRecord
    from reelmill.contract.commands.tuning import TuneResult
    from reelmill.contract.records.claim import Claimant
    from reelmill.contract.records.frozen import Frozen
    from reelmill.contract.task import Task
    from reelmill.contract.task_parts.run_report import RunDefinition

Environment = Mapping[str, str]
"""Environment variables, including credentials."""
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Command(Generic[F]):
    """The name of an entry point, and the type of its function."""

    name: str


class StatusCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /) -> Sequence[StatusRow]: ...


class ReportCommand(Protocol):
    def __call__(self, task: Task, env: Environment, definition: RunDefinition, /) -> ReportResult: ...


class FunnelPictureCommand(Protocol):
    def __call__(self, rows: Sequence[FunnelRow], title: str, form: str, /) -> bytes: ...


class TuneCommand(Protocol):
    def __call__(
        self, task: Task, env: Environment, /, *, stage: str, folder: Path | None = None, examples: int = 6
    ) -> TuneResult: ...


class LedgerCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Environment,
        /,
        *,
        stages: Collection[str] = (),
        classes: Collection[str] = (),
        outcomes: Collection[str] = (),
        item: str = "",
        history: bool = False,
    ) -> Iterable[StageLedgerRow]: ...


class LedgerSummaryCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /, *, stages: Collection[str] = ()) -> Sequence[LedgerCount]: ...


class TraceCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /, *, item: str, stage: str = "") -> Iterable[TraceRow]: ...


class LineageCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /, *, stage: str, file: Path) -> LineageResult: ...


class ForgetCommand(Protocol):
    def __call__(
        self, task: Task, env: Environment, /, *, source: str, keys: Sequence[str], moment: str, act: bool
    ) -> ForgetResult: ...


class DiffCommand(Protocol):
    def __call__(
        self, before: Side, after: Side, env: Environment, /, *, name: str, item: str = ""
    ) -> Iterable[DiffRow]: ...


class DiffSummaryCommand(Protocol):
    def __call__(
        self, before: Side, after: Side, env: Environment, /, *, name: str, item: str = ""
    ) -> Sequence[DiffCount]: ...


class FreezeCommand(Protocol):
    def __call__(self, task: Task, env: Environment, name: str, /, *, stages: Sequence[str], moment: str) -> Frozen: ...


class FrozenCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /) -> Sequence[Frozen]: ...


class ThawCommand(Protocol):
    def __call__(self, task: Task, env: Environment, name: str, /) -> Sequence[str]: ...


class LogsCommand(Protocol):
    def __call__(
        self, task: Task, env: Environment, /, *, stage: str, shard: int | None = None, segment: int | None = None
    ) -> Iterable[LogLine]: ...


class CheckCommand(Protocol):
    def __call__(self, folder: Path, formats: Sequence[str] = (), /) -> Iterable[FindingRow]: ...


class CheckStageCommand(Protocol):
    def __call__(
        self, task: Task, env: Environment, /, stage: str, formats: Sequence[str] = ()
    ) -> Iterable[FindingRow]: ...


class RepairCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Environment,
        /,
        *,
        timeouts: Mapping[str, float],
        now: float,
        names: Collection[str] = (),
        max_rate: float | None = None,
        read_all: bool = False,
        claimant: Claimant | None = None,
    ) -> RepairResult: ...


class ForecastCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /) -> Forecast: ...


class ReplayCommand(Protocol):
    def __call__(
        self, task: Task, env: Environment, /, *, stage: str, item: str, folder: Path, timeout: float
    ) -> ReplayResult: ...


class ExportCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Environment,
        name: str,
        folder: Path,
        mode: ExportMode | None = None,
        /,
        *,
        verify: bool = True,
        state: str = "",
    ) -> ExportResult: ...


class CardCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Environment,
        name: str,
        folder: Path,
        definition: RunDefinition,
        /,
        *,
        licence_field: str = "",
    ) -> CardResult: ...


class PruneCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Environment,
        /,
        *,
        delete: bool,
        now: float,
        trash: bool = False,
        release: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> PruneResult: ...


class IdentityCommand(Protocol):
    def __call__(self, task: Task, env: Environment, claimant: Claimant, /, *, make: bool) -> str: ...


class PreflightCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /, *, sources: bool = False) -> None: ...


class PlacesCommand(Protocol):
    def __call__(self, task: Task, /) -> PlacesResult: ...


class DemoCommand(Protocol):
    def __call__(self, folder: Path, /) -> DemoInputs: ...


class DemoSamplesCommand(Protocol):
    def __call__(self, folder: Path, /) -> DemoSamples: ...


class SupportRecordsCommand(Protocol):
    def __call__(self, task: Task, env: Environment, /) -> Iterable[SupportRecord]: ...


class MergeCommand(Protocol):
    def __call__(
        self, train: Path, test: Path, out: Path, /, *, validation: int, leak_free: bool
    ) -> Mapping[str, int]: ...


STATUS: Command[StatusCommand] = Command("status")
REPORT: Command[ReportCommand] = Command("report")
FUNNEL_PICTURE: Command[FunnelPictureCommand] = Command("funnel-picture")
TUNE: Command[TuneCommand] = Command("tune")
LEDGER: Command[LedgerCommand] = Command("ledger")
LEDGER_SUMMARY: Command[LedgerSummaryCommand] = Command("ledger-summary")
TRACE: Command[TraceCommand] = Command("trace")
LINEAGE: Command[LineageCommand] = Command("lineage")
FORGET: Command[ForgetCommand] = Command("forget")
RELEASE_FORGOTTEN: Command[ReleaseForgottenCommand] = Command("release-forgotten")
REBUILD: Command[RebuildCommand] = Command("rebuild")
CHECK_FORGOTTEN: Command[CheckForgottenCommand] = Command("check-forgotten")
DIFF: Command[DiffCommand] = Command("diff")
DIFF_SUMMARY: Command[DiffSummaryCommand] = Command("diff-summary")
FREEZE: Command[FreezeCommand] = Command("freeze")
FROZEN: Command[FrozenCommand] = Command("frozen")
THAW: Command[ThawCommand] = Command("thaw")
LOGS: Command[LogsCommand] = Command("logs")
CHECK: Command[CheckCommand] = Command("check")
CHECK_STAGE: Command[CheckStageCommand] = Command("check-stage")
INTEGRITY: Command[IntegrityCommand] = Command("integrity")
REPAIR: Command[RepairCommand] = Command("repair")
FORECAST: Command[ForecastCommand] = Command("forecast")
REPLAY: Command[ReplayCommand] = Command("replay")
MERGE: Command[MergeCommand] = Command("merge")
EXPORT: Command[ExportCommand] = Command("export")
CARD: Command[CardCommand] = Command("card")
PRUNE: Command[PruneCommand] = Command("prune")
IDENTITY: Command[IdentityCommand] = Command("identity")
PREFLIGHT: Command[PreflightCommand] = Command("preflight")
PLACES: Command[PlacesCommand] = Command("places")
DEMO: Command[DemoCommand] = Command("demo")
DEMO_SAMPLES: Command[DemoSamplesCommand] = Command("demo-samples")
SUPPORT_RECORDS: Command[SupportRecordsCommand] = Command("support-records")
DASHBOARD: Command[DashboardCommand] = Command("dashboard")
