"""Parsing of YAML of unknown origin, with limits on size and nesting.

Aliases are rejected, because they can expand to gigabytes.
"""

from typing import Any

import yaml

MAX_BYTES = 16 << 20


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it contains an alias (*name), which is not supported")
        return super().compose_node(parent, index)


def load_yaml(data: bytes) -> Any:
    """Parse YAML. Raises YAMLError if it is invalid, too large, nested too deeply, or has aliases."""
    if len(data) > MAX_BYTES:
        raise yaml.YAMLError(f"it has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        return yaml.load(data, _Loader)  # noqa: S506 - a SafeLoader
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(f"it cannot be read: {error}") from error
