"""A key that a bucket cannot hold below the prefix of a store is refused before anything is sent."""

import pytest

from reelmill.contract.errors import KeyRefused
from reelmill_stages.store.open import open_store
from store.conftest import Place


def test_a_key_that_is_too_long_below_the_stores_address_is_refused_as_a_key(place: Place) -> None:
    key = "/".join(["k" * 200] * 4)
    store = open_store(place.ref.replace(uri="/".join([place.ref.uri, *["p" * 100] * 5])), env=place.env)
    if place.kind == "local":
        assert store.write(key, b"").size == 0
        return
    with pytest.raises(KeyRefused, match="with the prefix of the store"):
        store.write(key, b"")
    store.write(key[:200], b"")
    with pytest.raises(KeyRefused):
        store.move(key[:200], key)
    assert store.read(key[:200]) == b""
