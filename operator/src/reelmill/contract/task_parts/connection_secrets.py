"""The Secrets that contain the credentials of a step's connections, passed in `REELMILL_SECRETS`.

A connection whose Secret lacks the keys of its server is rejected instead of using the identity of the pod. Older
images, which do not read the variable, do not reject it.
"""

import json
from collections.abc import Mapping

from reelmill.contract.task import Task

ENV = "REELMILL_SECRETS"
"""Environment variable with a JSON object: prefix of the variables with a connection's credentials -> Secret."""


def of_this_machine(text: str) -> str:
    """Remove the store's Secret: on one machine, its credentials may come from any source that the user configured."""
    return json.dumps({prefix: name for prefix, name in json.loads(text).items() if prefix})


def with_secrets(task: Task, env: Mapping[str, str]) -> Task:
    """Parse a task from its JSON and add the names of the Secrets."""
    named: dict[str, str] = json.loads(env.get(ENV) or "{}")
    store = task.store.replace(connection=task.store.connection.replace(secret=named.get("", "")))
    sources = tuple(
        source.replace(connection=source.connection.replace(secret=named.get(source.connection.env_prefix, "")))
        if source.connection and source.connection.env_prefix
        else source
        for source in task.sources
    )
    return task.replace(store=store, sources=sources)
