"""Which Secrets the credentials of a step's connections come from: `REELMILL_SECRETS`, beside the task.

A connection whose Secret lacks the keys of its server is refused, rather than used with the identity of the pod. An
image that does not know the variable does not refuse it.
"""

import json
from collections.abc import Mapping

from reelmill.contract.task import Task

ENV = "REELMILL_SECRETS"
"""Environment variable with a JSON object: prefix of the variables with a connection's credentials -> Secret."""


def of_this_machine(text: str) -> str:
    """The same without the store's: on one machine, its credentials may come from wherever the user has them."""
    return json.dumps({prefix: name for prefix, name in json.loads(text).items() if prefix})


def with_secrets(task: Task, env: Mapping[str, str]) -> Task:
    """A task that was read from its JSON, with the names of the Secrets."""
    named: dict[str, str] = json.loads(env.get(ENV) or "{}")
    store = task.store.replace(connection=task.store.connection.replace(secret=named.get("", "")))
    sources = tuple(
        source.replace(connection=source.connection.replace(secret=named.get(source.connection.env_prefix, "")))
        if source.connection and source.connection.env_prefix
        else source
        for source in task.sources
    )
    return task.replace(store=store, sources=sources)
