import json
from pathlib import PurePosixPath

import pytest

from aws_lambda_function.botocore_data import (
    UnknownServices,
    cut_endpoints,
    is_needed,
    services_called,
)


def called(source: str) -> set[str]:
    return services_called([(PurePosixPath("handler.py"), source.encode())])


@pytest.mark.parametrize(
    "source",
    [
        'boto3.client("kinesis")',
        'boto3.Session().client("kinesis", config=None)',
        'boto3.client(service_name="kinesis")',
        'boto3.resource("kinesis")',
        'session.create_client("kinesis")',
    ],
)
def test_a_literal_service_is_found(source: str) -> None:
    assert called(source) == {"kinesis"}


@pytest.mark.parametrize("source", ["boto3.client(name)", 'boto3.client("kin" + "esis")'])
def test_a_service_that_is_not_literal_is_said_to_be_unknown(source: str) -> None:
    with pytest.raises(UnknownServices, match=r"handler\.py:1"):
        called(source)


def test_code_that_makes_no_client_may_make_one_elsewhere() -> None:
    with pytest.raises(UnknownServices, match="no call"):
        called("import boto3")


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("botocore/data/kinesis/2013-12-02/service-2.json.gz", True),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", False),
        ("boto3/data/s3/2006-03-01/resources-1.json", False),
        ("botocore/data/partitions.json", True),
        ("botocore/client.py", True),
    ],
)
def test_only_the_data_of_other_services_is_not_needed(path: str, needed: bool) -> None:
    assert is_needed(PurePosixPath(path), {"kinesis"}) is needed


def test_endpoints_keep_partitions_and_lose_other_services() -> None:
    partition = {"partition": "aws", "services": {"kinesis": {"endpoints": {}}, "s3": {}}}
    table = {"partitions": [partition], "version": 3}
    assert json.loads(cut_endpoints(json.dumps(table).encode(), {"kinesis"})) == {
        "partitions": [{"partition": "aws", "services": {"kinesis": {"endpoints": {}}}}],
        "version": 3,
    }
