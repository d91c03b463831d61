"""Lets the tests beside it import their helpers, and one CLIP4MC run that many of them look at."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from clip4mc_run import prepare
from workshop import Workshop


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A CLIP4MC run from raw videos to samples and tars, complete. To be looked at only."""
    shop = prepare(tmp_path_factory.mktemp("clip4mc"))
    shop.run()
    return shop
