"""The last lines of logs: of pods if there are any, otherwise those that shards and commit steps wrote to the store."""

from collections import deque

from reelmill.contract.commands.result_rows import LogLine
from reelmill.contract.errors import ReelmillError
from reelmill.contract.text.json_line import json_object
from reelmill_stages.commands.logs import last_lines_of
from reelmill_stages.dashboard.views.models import LogView
from reelmill_stages.dashboard.views.pipeline_catalog import DataSetPlace, PipelineCatalog

LINES = 500
"""Maximum number of lines that are shown."""
_LONGEST = 4000
"""Maximum number of characters of one line."""
_FIXED = frozenset({"level", "time", "ts", "msg", "logger", "trace_id", "span_id"})


def logs(catalog: PipelineCatalog, at: DataSetPlace, shard: int | None = None) -> tuple[list[LogView], str]:
    """Return (lines, why the pods could not be read). Raises ReelmillError if the store cannot be read either."""
    problem = ""
    try:
        found = deque(
            (
                _view(each.pod, each.line)
                for each in catalog.pipelines.logs(at.definition.namespace, at.definition.name, at.entry.name, shard)
            ),
            maxlen=LINES,
        )
    except ReelmillError as error:
        found, problem = deque(), str(error)
    if not found:
        return [
            _view(_writer(each), each.line) for each in last_lines_of(at.store, at.names, LINES, shard=shard)
        ], problem
    return list(found), problem


def _writer(line: LogLine) -> str:
    return "commit" if line.shard is None else f"shard {line.shard}"


def _view(who: str, line: str) -> LogView:
    record = json_object(line)
    if record is None:
        return LogView(who=who, level="", time="", text=line[:_LONGEST])
    rest = {name: value for name, value in record.items() if name not in _FIXED}
    more = " ".join(f"{name}={value}" for name, value in rest.items() if not isinstance(value, dict | list))
    text = f"{record.get('msg', '')} {more}".strip()
    return LogView(
        who=who,
        level=str(record.get("level", ""))[:20],
        time=str(record.get("time") or record.get("ts") or "")[:40],
        text=text[:_LONGEST],
    )
