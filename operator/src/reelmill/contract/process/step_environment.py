"""Selection of the environment variables that steps of a local run get, without credentials that they do not need.

A step decodes untrusted media and runs the user's code. It gets the credentials of stores and the variables that the
pipeline names: in `env`, as in a cluster, or as the key of a model server. It does not get variables of the run itself
(the key of an OpenLineage server, the headers of a collector) or others that are named like credentials. All other
variables are passed on: proxies, caches, settings of libraries.
"""

from collections.abc import Collection, Mapping

from reelmill.contract.spec.variables import CREDENTIALS, OF_SCHEMES
from reelmill.contract.text.redaction import is_secret

OF_STORES = ("AWS_", "AZURE_", "GOOGLE_", "HF_", "IDENTITY_", "MSI_", "CLOUDSDK_")
"""Prefixes of the variables in which store clients look for credentials and the identity of a machine."""
OF_THE_RUN = ("OPENLINEAGE_", "OTEL_EXPORTER_OTLP_")
"""Prefixes of settings that only the run itself needs."""
OF_A_STEP = ("REELMILL_TASK", "REELMILL_NEXT", "REELMILL_RUN_REPORT")
"""Variables that the run sets for a step; a shell may still have those of another one."""

_CONNECTION_SUFFIXES = sum(OF_SCHEMES.values(), CREDENTIALS)
"""Suffixes of the variables with a connection's credentials; the name of its source precedes them."""


def step_environment(shell: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """The variables of the shell that steps get. `named` are names in the pipeline, which are always passed on."""
    return {name: value for name, value in shell.items() if name in named or _is_passed_on(name)}


def _is_passed_on(name: str) -> bool:
    if name.startswith(OF_THE_RUN) or name in OF_A_STEP:
        return False
    return name.startswith(OF_STORES) or name.endswith(_CONNECTION_SUFFIXES) or not is_secret(name)
