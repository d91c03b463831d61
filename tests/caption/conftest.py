"""A server with models, for the tests of this folder."""

from collections.abc import Iterator

import pytest

from servers.models import Models, serving


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """A server that answers, and misbehaves when a prompt asks it to."""
    with serving(tmp_path_factory.mktemp("models")) as server:
        yield server
