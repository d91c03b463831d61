"""Records about the users of a data set: one claim in it per pipeline, and one identity in the store per pipeline.

A claim belongs to a pipeline, not to a name. In a cluster, it has the resource's UID; on one machine, the uid of an
identity that the first run of a pipeline file creates. Later runs find the identity by the token in the file, or else
by the machine and the location of the file.
"""

from reelmill.contract.digest import fingerprint
from reelmill.contract.model import Model
from reelmill.contract.task import Owner

IDENTITY = "reelmill.dev/identity"
"""Annotation with a token that identifies a pipeline file that moves between machines or runs in containers."""

_UID_DIGITS = 32


class Claim(Owner):
    """`_reelmill/users/<uid>.json`: a pipeline uses this data set."""

    data_set: str = ""
    """Name of the source or stage; empty in claims of version 0.1.0."""
    key: str = ""

    @property
    def by_name(self) -> bool:
        """Whether version 0.1.0 wrote it on one machine and identified the pipeline by name: the owner is unknown."""
        return self.uid == fingerprint(["local", self.namespace, self.name])[:_UID_DIGITS]


class Claimant(Model):
    """The pipeline file that requests an identity on one machine."""

    namespace: str
    name: str
    token: str = ""
    """Token in the file's annotation."""
    host: str = ""
    machine: str = ""
    """Distinguishes machines with the same host name."""
    file: str = ""
    """Location of the file: its path relative to the store's folder, so that the two can move together, or an absolute
    path if the store is a bucket. Links are resolved."""

    @property
    def digest(self) -> str:
        """Digest that is equal for all runs of one pipeline file and different for any other."""
        place = [self.token] if self.token else [self.host, self.machine, self.file]
        return fingerprint(["token" if self.token else "file", self.namespace, self.name, *place])[:_UID_DIGITS]


class Identity(Model):
    """`_reelmill/pipelines/<digest>.json` at the store's root, created once: the uid of a pipeline file."""

    uid: str
    claimant: Claimant
    created: str
    """UTC, RFC 3339."""
