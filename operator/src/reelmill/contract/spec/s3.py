"""How to reach an S3 server: where, and with whose keys."""

from reelmill.contract.model import Model
from reelmill.contract.spec.names import Text, Uri


class SecretRef(Model):
    """A Secret in the pipeline's namespace. The operator never reads it; pods get it by reference."""

    name: Text
    """Keys: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`; optional `AWS_SESSION_TOKEN` and `ca.crt`."""


class S3(Model):
    """Connection to an S3 server other than the store's."""

    endpoint: Uri | None = None
    """URL of the server; absent: AWS."""
    region: Text | None = None
    """Region; absent: `us-east-1`."""
    secret_ref: SecretRef | None = None
    """Whose keys; absent: the pod's own identity (IAM), or the environment on one machine."""


class StoreSpec(S3):
    """The object store where every stage reads and writes."""

    uri: Uri
    """`s3://bucket/prefix`; on one machine a folder works too."""
