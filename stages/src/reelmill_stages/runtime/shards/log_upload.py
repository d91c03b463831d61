"""The end of a step's log, kept for the store: pods and their logs vanish together."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from reelmill.contract.errors import ReelmillError
from reelmill.contract.log import JsonFormatter
from reelmill_stages.store import Store

LINES = 2000


class LogTail(logging.Handler):
    """Keeps the last lines in memory, as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: deque[str] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def kept_log(store: Store, key: str) -> Iterator[None]:
    """Write the log's tail under `key` when the block ends, however it ends; a store that is gone is let be."""
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
                logging.getLogger(__name__).warning("the log could not be kept in the store")


def _record(error: Exception) -> logging.LogRecord:
    info = None if isinstance(error, ReelmillError) else (type(error), error, error.__traceback__)
    return logging.LogRecord(__name__, logging.ERROR, __file__, 0, str(error), None, info)
