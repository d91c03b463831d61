"""The chart accepts the names of buckets and containers that their providers allow, like a pipeline does."""

import json
import re

import pytest
from pydantic import TypeAdapter

from chart_values import CHART
from reelmill.contract.spec.field_types import Uri

VALID = (
    "s3://bucket",
    "s3://my.bucket-1/prefix",
    "s3://Old_Bucket/prefix",
    "gs://my_bucket",
    "gs://my_bucket.example.com/pre fix",
    "az://my-container/prefix",
    "az://$web",
    "az://$root/prefix",
)
INVALID = (
    "s3://",
    "s3:///prefix",
    "s3://_bucket",
    "s3://a bucket",
    "gs://My_bucket",
    "gs://bucket_",
    "gs://-bucket",
    "az://my_container",
    "az://my--container",
    "az://container-",
    "az://my.container",
    "az://$other",
    "ftp://bucket",
    "/folder",
)


def is_accepted(uri: str) -> bool:
    schema = json.loads((CHART / "values.schema.json").read_text())
    pattern = schema["properties"]["dashboard"]["properties"]["store"]["properties"]["uri"]["pattern"]
    return re.search(pattern, uri) is not None


@pytest.mark.parametrize("uri", VALID)
def test_a_name_that_the_provider_allows_is_accepted_by_chart_and_pipeline(uri: str) -> None:
    assert is_accepted(uri)
    assert TypeAdapter(Uri).validate_python(uri) == uri


@pytest.mark.parametrize("uri", INVALID)
def test_a_name_that_no_provider_allows_is_refused_by_the_chart(uri: str) -> None:
    assert not is_accepted(uri)
