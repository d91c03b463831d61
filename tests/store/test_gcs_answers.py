"""Answers that are not those of Google Cloud Storage, which its client cannot interpret."""

import pytest
import requests
from google.api_core.exceptions import from_http_response

from reelmill.contract.errors import StoreError
from reelmill_stages.store.google.errors import explain


@pytest.mark.parametrize("content", [b'{"error": "denied"}', b'{"error": 7}', b'"denied"', b"7", b'{"error": null}'])
def test_an_error_of_another_form_is_an_error_of_the_store(content: bytes) -> None:
    response = requests.Response()
    response.status_code, response._content = 403, content
    response.request = requests.Request("GET", "http://host/b").prepare()
    with pytest.raises((AttributeError, TypeError)) as raised:
        raise from_http_response(response)
    found = explain(raised.value, endpoint="http://host", bucket="b")
    assert isinstance(found, StoreError)
    assert "not one of Google Cloud Storage" in found.what


def test_an_error_of_our_own_code_is_not_one_of_the_store() -> None:
    with pytest.raises(AttributeError) as raised:
        None.missing  # type: ignore[attr-defined]  # noqa: B018
    assert explain(raised.value, endpoint="http://host", bucket="b") is None
