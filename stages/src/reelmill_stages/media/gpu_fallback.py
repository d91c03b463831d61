"""Reasons why the CPU is used instead of a GPU: a counter, and the message of the library that failed.

FFmpeg, torch and ffmpeg's encoders report reasons only in messages; this module maps messages to counters.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import av

from reelmill.contract.counters import StageCounter
from reelmill.contract.text.messages import safe_message
from reelmill.contract.text.terminal import printable

T = TypeVar("T")
_LONGEST = 200
"""Maximum length of a message in characters."""
_MOST = 50
"""Maximum number of messages kept per attempt; the first ones have the cause."""
_POINTER = re.compile(r"0x[0-9a-fA-F]{4,16}")
_WORDS: tuple[tuple[StageCounter, re.Pattern[str]], ...] = (
    (StageCounter.GPU_FALLBACK_SIZE, re.compile(r"not within range|macroblock count|frame dimension")),
    (StageCounter.GPU_FALLBACK_MEMORY, re.compile(r"out[ _]of[ _]memory|incompatible client key")),
    (StageCounter.GPU_FALLBACK_PROFILE, re.compile(r"unsupported chroma|profile .*not supported|bit .*not supported")),
    (
        StageCounter.GPU_FALLBACK_CODEC,
        re.compile(
            "lacking required capabilities|unsupported (codec|device)|no stream is compatible|no supported hardware"
            "|error_not_supported|codec not supported|not support (hardware|the codec)"
        ),
    ),
    (StageCounter.GPU_FALLBACK_PACKAGE, re.compile(r"without cuda|not compiled with cuda|unknown encoder")),
    (
        StageCounter.GPU_FALLBACK_DRIVER,
        re.compile(
            "cannot load|could not dynamically load|cuda_error|no capable devices|driver|cannot init cuda|no cuda"
        ),
    ),
)
"""Meanings of messages. If several match, the first in this list counts, because later ones have many causes."""

_log = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class GpuFallback:
    """Why a GPU was not used.

    `counter` is one of the words `gpu_fallback_…`; `message` is one line, equal for equal causes.
    """

    counter: StageCounter
    message: str

    @property
    def reason(self) -> str:
        """The counter without the common prefix, such as `codec`."""
        return self.counter.removeprefix(f"{StageCounter.GPU_FALLBACK}_")

    def counters(self, items: int = 1) -> dict[str, int]:
        """Return the counters for this many items."""
        return {StageCounter.GPU_FALLBACK: items, self.counter: items}

    def to_json(self) -> dict[str, Any]:
        """Return the fields for provenance."""
        return {StageCounter.GPU_FALLBACK: {"reason": self.reason, "message": self.message}}

    def log(self) -> None:
        """Log it, once per process and message."""
        if (self.counter, self.message) not in _logged:
            _logged.add((self.counter, self.message))
            _log.warning("the CPU is used instead of a GPU (%s): %s", self.reason, self.message)


NO_GPU = GpuFallback(StageCounter.GPU_FALLBACK_NO_GPU, "the pod has no GPU")


def fallback(messages: Sequence[str], *, ordinary: bool = True) -> GpuFallback:
    """Return the meaning of a library's messages, given in the order in which they were logged.

    `ordinary`: the pictures have 8 bits and 4:2:0. A decoder that only lacks other formats still supports the codec.
    """
    lines = [line for message in messages for line in re.split(r"[\r\n]| \| ", message) if line.strip()]
    found = next(((counter, line) for counter, words in _WORDS for line in lines if words.search(line.lower())), None)
    counter, line = found or (StageCounter.GPU_FALLBACK_OTHER, next(iter(lines), "no reason was given"))
    if counter is StageCounter.GPU_FALLBACK_CODEC and not ordinary:
        counter = StageCounter.GPU_FALLBACK_PROFILE
    return GpuFallback(counter, _printable_line(line))


@contextmanager
def _collected_errors(messages: list[str]) -> Iterator[None]:
    """Collect FFmpeg's errors of this thread; a message may arrive in parts."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    with av.logging.Capture() as logs:
        try:
            yield
        finally:
            av.logging.set_level(level)
            messages.extend("".join(text for _, _, text in logs).splitlines()[: _MOST - len(messages)])


def with_collected_errors(values: Iterable[T], messages: list[str]) -> Iterator[T]:
    """Yield the values; FFmpeg's errors while producing them are added to `messages`.

    Errors raised between two values, by the consumer, are not collected.
    """
    iterator = iter(values)
    while True:
        with _collected_errors(messages):
            try:
                value = next(iterator)
            except StopIteration:
                return
        yield value


def _printable_line(line: str) -> str:
    text = printable(_POINTER.sub("0x…", safe_message(line.strip())))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
