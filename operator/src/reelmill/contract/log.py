"""Logging setup for both distributions: one JSON object per line in pods, short and coloured on a terminal.

It uses only the standard library's logging; `event` puts fields into `extra={"fields": {...}}`.
"""

import logging
import sys
import time
from typing import Any

from reelmill.contract.text.terminal import json_text, printable
from reelmill.contract.text.urls import without_secrets

_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}


class JsonFormatter(logging.Formatter):
    """`{"ts": …, "level": …, "msg": …, <fields>}`; an exception adds `traceback`."""

    def __init__(self, **fixed: Any) -> None:
        super().__init__()
        self.fixed = fixed

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, Any] = {
            "ts": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            **self.fixed,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return without_secrets(json_text(row, default=str))


class TerminalFormatter(logging.Formatter):
    """`message  field=value …`, coloured by level when the stream is a terminal."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f"  {name}={value}" for name, value in getattr(record, "fields", {}).items())
        text = printable(without_secrets(record.getMessage() + fields))
        if record.exc_info:
            text += "\n" + printable(without_secrets(self.formatException(record.exc_info)), keep="\n")
        colour = _COLOURS.get(record.levelname, "") if self.colour else ""
        return f"{colour}{text}\x1b[0m" if colour else text


def setup(*, level: str = "INFO", **fixed: Any) -> None:
    """Send the `reelmill` loggers to standard error; `fixed` fields are added to every JSON line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalFormatter(colour=True) if sys.stderr.isatty() else JsonFormatter(**fixed))
    for name in ("reelmill", "reelmill_stages"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def event(logger: logging.Logger, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log a message with structured fields."""
    logger.log(level, message, extra={"fields": fields})
