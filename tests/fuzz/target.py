"""What is fuzzed: a function that hands bytes to a parser and lets only its declared errors pass silently."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """`function` of the module `fuzz.targets.<module>` takes the bytes; whatever it raises is a finding."""

    module: str
    function: str
    covers: tuple[str, ...]
    """Modules and packages whose branches guide the fuzzer."""
    max_bytes: int = 4096
    """Length of the longest input that is made."""
    json: bool = False
    """Inputs are JSON, so values are exchanged, not only bytes."""
    seconds: int = 2
    """How long the test suite looks for new inputs."""
    torch: bool = False
    """The parser needs torch, which is in a folder of its own."""

    @property
    def name(self) -> str:
        return self.function.replace("_", "-")

    def load(self) -> Run:
        """The function. What it covers is imported now, so that it can be instrumented."""
        for name in self.covers:
            import_module(name)
        found: Run = getattr(import_module(f"fuzz.targets.{self.module}"), self.function)
        return found
