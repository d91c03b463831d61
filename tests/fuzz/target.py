"""A fuzzing target: a function that passes bytes to a parser and ignores only its declared errors."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """`function` of the module `fuzz.targets.<module>` takes the bytes; any exception is a finding."""

    module: str
    function: str
    covers: tuple[str, ...]
    """Modules and packages whose branches guide the fuzzer."""
    max_bytes: int = 4096
    """Maximum length of generated inputs in bytes."""
    json: bool = False
    """Whether inputs are JSON, so that values are mutated as well as bytes."""
    seconds: int = 2
    """Seconds that the test suite spends on new inputs."""
    torch: bool = False
    """Whether the parser needs torch, which is in a separate folder."""

    @property
    def name(self) -> str:
        return self.function.replace("_", "-")

    def load(self) -> Run:
        """Import the covered modules, so that they can be instrumented, and return the function."""
        for name in self.covers:
            import_module(name)
        found: Run = getattr(import_module(f"fuzz.targets.{self.module}"), self.function)
        return found
