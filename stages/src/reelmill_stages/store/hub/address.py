"""The parts of `hf://datasets/OWNER/NAME@revision/path`, the format of huggingface_hub, and addresses of the API."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from reelmill.contract.errors import SpecError

_REPOSITORY = re.compile(r"hf://datasets/([\w.-]+)/([\w.-]+?)(?:@([^/]+))?")
_FORM = "write hf://datasets/OWNER/NAME/path, or hf://datasets/OWNER/NAME@revision/path"
DEFAULT = "https://huggingface.co"
"""The endpoint of the Hub."""
HOSTS = ("*.huggingface.co", "*.hf.co")
"""Hosts of large files, to which the Hub redirects."""


def split_hub_uri(uri: str) -> tuple[str, str]:
    """Return (`hf://datasets/OWNER/NAME@revision`, path). Raises SpecError."""
    root, path = "/".join(uri.split("/")[:5]), "/".join(uri.split("/")[5:])
    if not _REPOSITORY.fullmatch(root):
        raise SpecError("not a data set of the Hugging Face Hub", where=uri, hint=_FORM)
    return root, path


@dataclass(frozen=True, slots=True)
class Repository:
    """A data set at an endpoint. Its revision is a branch, tag or commit; `refs%2Fconvert%2Fparquet` has slashes."""

    endpoint: str
    name: str
    revision: str

    @classmethod
    def parsed(cls, root: str, endpoint: str) -> "Repository":
        """Parse `hf://datasets/OWNER/NAME@revision`. Raises SpecError."""
        if not (found := _REPOSITORY.fullmatch(root)):
            raise SpecError("not a data set of the Hugging Face Hub", where=root, hint=_FORM)
        owner, name, revision = found.groups()
        return cls(endpoint.rstrip("/"), f"{owner}/{name}", unquote(revision or "main"))

    def info(self) -> str:
        """Return the address of the attributes of the revision."""
        return self._api("revision", self.revision)

    def tree(self, commit: str, folder: str) -> str:
        """Return the address of the list of files below a folder."""
        path = f"/{quote(folder)}" if folder else ""
        return f"{self._api('tree', commit)}{path}?recursive=true&expand=false"

    def paths(self, commit: str) -> str:
        """Return the address of the attributes of named files."""
        return self._api("paths-info", commit)

    def file(self, commit: str, path: str) -> str:
        """Return the address of the content of a file."""
        return f"{self.endpoint}/datasets/{self.name}/resolve/{quote(commit, safe='')}/{quote(path)}"

    def _api(self, what: str, revision: str) -> str:
        return f"{self.endpoint}/api/datasets/{self.name}/{what}/{quote(revision, safe='')}"
