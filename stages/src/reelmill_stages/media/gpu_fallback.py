"""Why the CPU works in place of a GPU: a counter, and the words of the library that gave up.

FFmpeg, torch and ffmpeg's encoders tell their reasons in messages only; what of them means which counter is here.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import av

from reelmill.contract.counters import StageCounter
from reelmill.contract.text.messages import told
from reelmill.contract.text.terminal import printable

T = TypeVar("T")
_LONGEST = 200
"""Characters of a message."""
_MOST = 50
"""Messages that are kept of one attempt: the first ones tell the cause."""
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
"""What messages mean. Of several that fit, the first of this list counts: the later ones follow from many causes."""

_log = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class GpuFallback:
    """`counter` is one of the words `gpu_fallback_…`, and `message` one line, the same for the same cause."""

    counter: StageCounter
    message: str

    @property
    def reason(self) -> str:
        """The counter without what all have in common: `codec`."""
        return self.counter.removeprefix(f"{StageCounter.GPU_FALLBACK}_")

    def counters(self, items: int = 1) -> dict[str, int]:
        """What it counts of so many items."""
        return {StageCounter.GPU_FALLBACK: items, self.counter: items}

    def to_json(self) -> dict[str, Any]:
        """What provenance says of it."""
        return {StageCounter.GPU_FALLBACK: {"reason": self.reason, "message": self.message}}

    def log(self) -> None:
        """Log it, once per process and message."""
        if (self.counter, self.message) not in _logged:
            _logged.add((self.counter, self.message))
            _log.warning("the CPU is used instead of a GPU (%s): %s", self.reason, self.message)


NO_GPU = GpuFallback(StageCounter.GPU_FALLBACK_NO_GPU, "the pod has no GPU")


def fallback(messages: Sequence[str], *, ordinary: bool = True) -> GpuFallback:
    """What some messages of a library mean, in the order in which it gave them.

    `ordinary`: the pictures are of 8 bits and 4:2:0. A decoder that lacks other ones has the codec all the same.
    """
    lines = [line for message in messages for line in re.split(r"[\r\n]| \| ", message) if line.strip()]
    found = next(((counter, line) for counter, words in _WORDS for line in lines if words.search(line.lower())), None)
    counter, line = found or (StageCounter.GPU_FALLBACK_OTHER, next(iter(lines), "no reason was given"))
    if counter is StageCounter.GPU_FALLBACK_CODEC and not ordinary:
        counter = StageCounter.GPU_FALLBACK_PROFILE
    return GpuFallback(counter, _clean(line))


@contextmanager
def _heard(messages: list[str]) -> Iterator[None]:
    """Collects FFmpeg's errors of this thread; a message may come in parts."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    with av.logging.Capture() as logs:
        try:
            yield
        finally:
            av.logging.set_level(level)
            messages.extend("".join(text for _, _, text in logs).splitlines()[: _MOST - len(messages)])


def listened(values: Iterable[T], messages: list[str]) -> Iterator[T]:
    """The values, while FFmpeg's errors that belong to making them are added to `messages`.

    Not those of whoever takes the values, between two of them.
    """
    iterator = iter(values)
    while True:
        with _heard(messages):
            try:
                value = next(iterator)
            except StopIteration:
                return
        yield value


def _clean(line: str) -> str:
    text = printable(_POINTER.sub("0x…", told(line.strip())))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
