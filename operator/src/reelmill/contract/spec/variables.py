"""Environment variables of a stage's pods that a pipeline may not set, because reelmill sets them.

Kubernetes lets the last of two entries of one name win, and leaves its own `JOB_COMPLETION_INDEX` out where there is
one already: a pipeline that sets them would make a pod do another task than the operator gave it.
"""

import re
from collections.abc import Mapping

RESERVED = r"^(REELMILL_.*|JOB_COMPLETION_INDEX|TMPDIR|PYTHONSAFEPATH)$"
"""Set in every pod: what a step has to do, where its scratch is, and that Python takes no code from the current folder.
In the dialect that Python and the API server share (RE2)."""

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
"""Set where a connection names a Secret: of the store by these names, of a source with its name before them."""


AZURE_CREDENTIALS = ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN")
"""The same for a connection to Azure Blob Storage. Each is set if the Secret has it."""
GOOGLE_CREDENTIALS = ("GOOGLE_SERVICE_ACCOUNT_KEY",)
"""The same for Google Cloud Storage."""
HUB_CREDENTIALS = ("HF_TOKEN",)
"""The same for the Hugging Face Hub."""

OF_STORES: Mapping[str, tuple[str, ...]] = {"az": AZURE_CREDENTIALS, "gs": GOOGLE_CREDENTIALS}
"""Scheme of a store's URI -> those of its server; all others have those of S3."""
OF_SCHEMES: Mapping[str, tuple[str, ...]] = {**OF_STORES, "hf": HUB_CREDENTIALS}
"""The same of all URIs."""


def is_reserved(name: str) -> bool:
    """Whether a variable is set in every pod."""
    return re.match(RESERVED, name) is not None
