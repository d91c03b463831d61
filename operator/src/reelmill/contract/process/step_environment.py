"""Which variables of a shell the steps of a run on this machine get: of those that hold credentials, only the needed.

A step decodes foreign media and runs the user's code. It gets the credentials of stores and what the pipeline names:
in `env`, as in a cluster, or as the key of a model's server. What belongs to the run itself (the key of an OpenLineage
server, the headers of a collector) and whatever else is named like a credential stays with the run. A variable that is
not named like one is passed on: proxies, caches, settings of libraries.
"""

from collections.abc import Collection, Mapping

from reelmill.contract.spec.variables import CREDENTIALS, OF_SCHEMES
from reelmill.contract.text.redaction import is_secret

OF_STORES = ("AWS_", "AZURE_", "GOOGLE_", "HF_", "IDENTITY_", "MSI_", "CLOUDSDK_")
"""Beginnings of the names by which clients of stores find credentials, and the identity of a machine."""
OF_THE_RUN = ("OPENLINEAGE_", "OTEL_EXPORTER_OTLP_")
"""Beginnings of the names of settings that only the run itself needs, whatever they hold."""

_OF_CONNECTIONS = sum(OF_SCHEMES.values(), CREDENTIALS)
"""Ends of the names of the variables with a connection's credentials; that of its source is before them."""


def step_environment(shell: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """The variables of the shell that steps get. `named`: names that the pipeline gives, which they get in any case."""
    return {name: value for name, value in shell.items() if name in named or _is_free(name)}


def _is_free(name: str) -> bool:
    if name.startswith(OF_THE_RUN):
        return False
    return name.startswith(OF_STORES) or name.endswith(_OF_CONNECTIONS) or not is_secret(name)
