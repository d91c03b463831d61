"""Environment variables of a stage's pods that a pipeline may not set, because reelmill sets them.

If two entries have the same name, Kubernetes uses the last one, and it does not add `JOB_COMPLETION_INDEX` if the
variable exists. A pipeline that sets them could make a pod run a different task than the operator's.
"""

import re
from collections.abc import Mapping

RESERVED = r"^(REELMILL_.*|JOB_COMPLETION_INDEX|TMPDIR|PYTHONSAFEPATH)$"
"""Variables set in every pod: the task, the scratch folder, and that Python imports nothing from the current folder.
In the regular expression syntax that Python and the API server share (RE2)."""

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
"""Variables set if a connection names a Secret. For a source, the names have its name as a prefix."""


AZURE_CREDENTIALS = ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN")
"""The same for Azure Blob Storage. Each is set if the Secret has it."""
GOOGLE_CREDENTIALS = ("GOOGLE_SERVICE_ACCOUNT_KEY",)
"""The same for Google Cloud Storage."""
HUB_CREDENTIALS = ("HF_TOKEN",)
"""The same for the Hugging Face Hub."""

OF_STORES: Mapping[str, tuple[str, ...]] = {"az": AZURE_CREDENTIALS, "gs": GOOGLE_CREDENTIALS}
"""Scheme of a store's URI -> variables of its server; all others use those of S3."""
OF_SCHEMES: Mapping[str, tuple[str, ...]] = {**OF_STORES, "hf": HUB_CREDENTIALS}
"""The same for all URIs."""


def is_reserved(name: str) -> bool:
    """Whether a variable is set in every pod."""
    return re.match(RESERVED, name) is not None
