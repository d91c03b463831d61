"""The stage on one small video, as a worker would run it, against a real server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import footage
from cliprig import Rig
from reelmill_stages.model_servers.answers import NoAnswers
from reelmill_stages.registry import stage
from reelmill_stages.stage import Input, NewItem, Result
from servers.models import MODEL, Models


class Remembered(NoAnswers):
    """Answers in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.spent: dict[str, int] = {}

    def find(self, question: str) -> str | None:
        return self.kept.get(question)

    def keep(self, question: str, answer: str) -> str:
        return self.kept.setdefault(question, answer)

    def spend(self, counters: Any) -> None:
        for name, count in counters.items():
            self.spent[str(name)] = self.spent.get(str(name), 0) + count

    def allows(self, counter: str, limit: int) -> bool:
        return self.spent.get(str(counter), 0) < limit


@dataclass
class Booth(Rig):
    """A rig with answers; `asked` counts the fetches of media."""

    answers: Remembered = field(default_factory=Remembered)

    def ask(self, models: Models, text: str = "", item: dict[str, Any] | None = None, **params: Any) -> Result:
        """The result for one item with this text, which the prompt contains."""
        params = {"prompt": "{text}", "timeout": "60s", "concurrency": 1, **params}
        made = stage("caption", {"server": {"url": models.url}, "model": MODEL, **params})
        made.check()
        film = footage.video(seconds=1.0, fps=10, size=(96, 64), audio=False)
        (result,) = made.process([Input(self.item("a", film, text=text, **(item or {})), 0)], self)
        return result

    def made(self, result: Result) -> NewItem:
        """The item of a result that is done."""
        (item,) = getattr(result, "items", ()) or (None,)
        assert item is not None, result
        return item


def booth(folder: Path) -> Booth:
    return Booth(folder)
