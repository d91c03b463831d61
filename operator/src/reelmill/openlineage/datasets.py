"""OpenLineage names of data sets: a namespace and a name in it (https://openlineage.io/docs/spec/naming). Pure."""

from dataclasses import dataclass

from reelmill.contract.text.urls import without_secrets


@dataclass(frozen=True, slots=True)
class Location:
    """A data set by its namespace and name."""

    namespace: str
    name: str

    @property
    def uri(self) -> str:
        """Its address, without credentials."""
        return f"{self.namespace}/{self.name.lstrip('/')}" if "://" in self.namespace else self.name


def location(uri: str) -> Location:
    """The data set at a URI or at an absolute path on this machine, without credentials."""
    plain = without_secrets(uri)
    scheme, found, rest = plain.partition("://")
    if not found:
        return Location("file", plain)
    if scheme == "file":
        return Location("file", f"/{rest.lstrip('/')}")
    place, _, name = rest.partition("/")
    return Location(f"{scheme}://{place}", name.rstrip("/") or "/")


def below(location_: Location, path: str) -> Location:
    """The data set at a relative path below another one."""
    above = location_.name.rstrip("/")
    return Location(location_.namespace, f"{above}/{path}" if above else path)
