"""Upload of the end of a step's log to the store, because pods and their logs are deleted."""

import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from reelmill.contract.errors import ReelmillError
from reelmill.contract.log import JsonFormatter
from reelmill.contract.process.trace_context import traced
from reelmill_stages.store import Store

LINES = 2000


class LogTail(logging.Handler):
    """Keeps the last log records in memory, as JSON lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter(**traced(os.environ)))
        self.lines: deque[str] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def kept_log(store: Store, key: str) -> Iterator[None]:
    """Context manager: write the end of the log to `key` on exit; errors of the store are only logged."""
    tail = LogTail()
    loggers = [logging.getLogger(name) for name in ("reelmill", "reelmill_stages")]
    for logger in loggers:
        logger.addHandler(tail)
    try:
        yield
    except Exception as error:
        tail.lines.append(tail.format(_record(error)))
        raise
    finally:
        for logger in loggers:
            logger.removeHandler(tail)
        if tail.lines:
            try:
                store.write(key, "".join(line + "\n" for line in tail.lines).encode())
            except ReelmillError:
                logging.getLogger(__name__).warning("the log could not be saved in the store")


def _record(error: Exception) -> logging.LogRecord:
    info = None if isinstance(error, ReelmillError) else (type(error), error, error.__traceback__)
    return logging.LogRecord(__name__, logging.ERROR, __file__, 0, str(error), None, info)
