"""Who uses a data set: a claim in it for each pipeline, and one identity in the store for each pipeline.

A claim belongs to one pipeline, not to a name: in a cluster it carries the resource's UID, on one machine the uid of an
identity that the first run from a pipeline file makes. The identity is found again by who asks: the token that the file
carries, or else the machine and the file's place.
"""

from reelmill.contract.digest import fingerprint
from reelmill.contract.model import Model
from reelmill.contract.task import Owner

IDENTITY = "reelmill.dev/identity"
"""Annotation of a pipeline file that moves between machines or lives in containers: a token that says who it is."""

_UID_DIGITS = 32


class Claim(Owner):
    """`_reelmill/users/<uid>.json`: a pipeline uses this data set."""

    data_set: str = ""
    """Name of the source or stage; empty in claims that 0.1.0 wrote."""
    key: str = ""

    @property
    def by_name(self) -> bool:
        """Whether 0.1.0 wrote it on one machine, where a pipeline was its name: whose it is nobody knows."""
        return self.uid == fingerprint(["local", self.namespace, self.name])[:_UID_DIGITS]


class Claimant(Model):
    """Who asks for an identity on one machine."""

    namespace: str
    name: str
    token: str = ""
    """What the file's annotation says."""
    host: str = ""
    machine: str = ""
    """Tells machines of one host name apart."""
    file: str = ""
    """Where the file is: its path from the store's folder, so that the two can move together, or an absolute one where
    the store is a bucket. Links are resolved."""

    @property
    def digest(self) -> str:
        """The same for every run of one pipeline file, and for no other."""
        place = [self.token] if self.token else [self.host, self.machine, self.file]
        return fingerprint(["token" if self.token else "file", self.namespace, self.name, *place])[:_UID_DIGITS]


class Identity(Model):
    """`_reelmill/pipelines/<digest>.json` at the store's root, created once: the uid of a pipeline file."""

    uid: str
    claimant: Claimant
    created: str
    """UTC, RFC 3339."""
