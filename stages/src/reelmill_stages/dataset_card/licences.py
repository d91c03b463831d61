"""Licences as stated by the source, and their identifiers at Hugging Face.

The identifiers are those of https://huggingface.co/docs/hub/repositories-licenses.
"""

import re
from typing import Any

from reelmill_stages.dataset_card.tables import LicenceCounts

IDENTIFIERS = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "gfdl", "gpl",
    "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa",
    "odbl", "odc-by", "ofl-1.1", "openrail", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
})  # fmt: skip
UNKNOWN, OTHER = "unknown", "other"
_COMMONS = re.compile(r"https?://(?:www\.)?creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)(?:/.*)?", re.IGNORECASE)
_ZERO = re.compile(r"https?://(?:www\.)?creativecommons\.org/publicdomain/zero/1\.0(?:/.*)?", re.IGNORECASE)


def identifier(text: str) -> str | None:
    """The identifier of a licence: `CC BY 4.0`, `cc-by-4.0` and its URL give `cc-by-4.0`; None for others."""
    if _ZERO.fullmatch(text):
        return "cc0-1.0"
    commons = _COMMONS.fullmatch(text)
    name = f"cc-{commons[1]}-{commons[2]}" if commons else re.sub(r"[\s_]+", "-", text.strip())
    return found if (found := name.lower()) in IDENTIFIERS else None


def front_matter(licences: LicenceCounts | None) -> dict[str, Any]:
    """The fields of the front matter: `license`, and `license_name` and `license_link` for one without an identifier.

    Empty if no licence field was given. If items lack the field, the licence of the whole is unknown.
    """
    if licences is None:
        return {}
    values = sorted(licences.counts)
    if licences.missing or not values:
        return {"license": UNKNOWN}
    found = {identifier(value) for value in values}
    if None in found:
        return {"license": OTHER, "license_name": "as-the-field-says", "license_link": "README.md"}
    names = sorted(name for name in found if name)
    return {"license": names[0] if len(names) == 1 else names}
