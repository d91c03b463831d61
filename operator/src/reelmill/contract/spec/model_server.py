"""A server that speaks the protocol of OpenAI's API: vLLM, Ollama, a gateway, a public service."""

from typing import Annotated

from pydantic import AfterValidator, Field

from reelmill.contract.spec.field_types import Endpoint
from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.variables import CREDENTIALS, OF_STORES, is_reserved


def _check_variable(name: str) -> str:
    if is_reserved(name) or name.endswith(sum(OF_STORES.values(), CREDENTIALS)):
        raise ValueError(f"{name} is set by reelmill or holds keys of a store: give the API key a variable of its own")
    return name


class ModelServer(SpecModel):
    """An OpenAI-compatible server. Where it is and how it is reached is no part of the stage key."""

    url: Annotated[Endpoint, Field(pattern=r"^https?://[^/\s]+")]
    """Base URL of the API, with its version: `http://vllm.models:8000/v1`. Without credentials."""
    api_key_env: (
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128), AfterValidator(_check_variable)]
        | None
    ) = None
    """Name of the environment variable that holds the API key: in a cluster, an `env` entry of the stage with a
    `secretRef`, which the survey's pod also gets; on one machine, a variable of the shell. If absent, no key is
    sent."""
    check_model: bool = True
    """Before any item is processed, the survey asks for `<url>/models`, and the server must list the model. False: for
    a gateway without such a list."""


class AnswerLimits(SpecModel):
    """Limits of what a stage may spend. Raising one continues the items that it stopped."""

    tokens: Annotated[int, Field(ge=1)] | None = None
    """Maximum number of tokens, of prompts and answers together, that the stage spends in all of its passes. When they
    are spent, the remaining items are `skipped(budget)`. Requests that are in flight at that moment are finished, so
    the total can exceed the limit by one answer per worker process."""
