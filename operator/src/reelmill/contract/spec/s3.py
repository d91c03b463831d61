"""Connection to a server with buckets: endpoint and credentials."""

from reelmill.contract.spec.field_types import Endpoint, Text, Uri
from reelmill.contract.spec.spec_model import SpecModel


class SecretRef(SpecModel):
    """A Secret in the pipeline's namespace. Pods reference it; the operator does not read it."""

    name: Text
    """Name of the Secret. Its keys for S3 are `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, optionally,
    `AWS_SESSION_TOKEN` and `ca.crt`; for Azure, `AZURE_STORAGE_ACCOUNT` and `AZURE_STORAGE_KEY` or
    `AZURE_STORAGE_SAS_TOKEN`; for Google Cloud Storage, `GOOGLE_SERVICE_ACCOUNT_KEY` with the JSON of a service
    account's key; for the Hugging Face Hub, `HF_TOKEN`."""


class S3(SpecModel):
    """Connection to an S3 server, or to the server of a URI that begins with `az://`, `gs://` or `hf://`."""

    endpoint: Endpoint | None = None
    """URL of the server. If absent, AWS; for `az://`, `https://ACCOUNT.blob.core.windows.net`; for `gs://`, Google's;
    for `hf://`, `HF_ENDPOINT` of the environment, or `https://huggingface.co`."""
    region: Text | None = None
    """Region. If absent, `us-east-1`."""
    secret_ref: SecretRef | None = None
    """Secret with the credentials. If absent, the pod's identity is used (IAM; a workload identity of Azure or Google),
    or on one machine the environment."""


class StoreSpec(S3):
    """The object store that all stages read and write."""

    uri: Uri
    """`s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix`, or a local folder if the pipeline runs on
    one machine."""
