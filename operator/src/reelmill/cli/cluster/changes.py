"""The effect of editing a pipeline: which stages run again, and because of which fields. Pure."""

from collections.abc import Iterator

from reelmill.cli.display.plan_reasons import defaults, difference
from reelmill.cli.input.pipeline import Loaded


def changes(old: Loaded, new: Loaded) -> Iterator[str]:
    """One line for each source and stage that the edit affects; nothing if no item is processed again."""
    if old.keys.place != new.keys.place:
        yield "everything runs in the new store; the survey finds what is already there"
        return
    fresh: list[str] = []
    for name in new.names():
        if name not in old.names():
            yield f"{name} is new"
        elif old.keys[name] != new.keys[name]:
            yield f"{name} runs again: {_change_reason(old, new, name, fresh)}"
            fresh.append(name)
    removed_names = [name for name in old.names() if name not in new.names()]
    yield from (f"{name} is removed; its data remains in the store" for name in removed_names)


def _change_reason(old: Loaded, new: Loaded, name: str, fresh: list[str]) -> str:
    block = new.graph.stages[name].block if name in new.graph.stages else None
    words = list(difference(old.keys.definitions[name], new.keys.definitions[name], defaults(block) if block else {}))
    own = [word for word in words if not any(word == f"{other} changed" for other in fresh)]
    if own:
        return ", ".join(own[:3]) + (f" and {len(own) - 3} more" if len(own) > 3 else "")
    return f"it reads {', '.join(word.removesuffix(' changed') for word in words) or 'changed input'}"
