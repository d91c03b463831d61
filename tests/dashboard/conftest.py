"""One finished run that the tests beside look at, and the page over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard.places import hostile, page
from e2e.workshop import Workshop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Hostile names and captions, run to the end. To be looked at only."""
    return hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def client(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The page over its store."""
    scratch: Path = tmp_path_factory.mktemp("scratch")
    with page(scratch, store=str(shop.folder / "store")) as client:
        yield client
