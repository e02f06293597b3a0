"""The AWS account, region and environment that the local cloud plays, and clients for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

ENVIRONMENT = "local"
REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local"


def deployed_name(name: str) -> str:
    """The name a function has on AWS: `producers.error_event` is `local-producers-error_event`."""
    return f"{ENVIRONMENT}-{name.replace('.', '-')}"


def function_arn(function_name: str, qualifier: str | None = None) -> str:
    """`function_name` is as deployed; `qualifier` a version or an alias."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function_name}"
    return arn if qualifier is None else f"{arn}:{qualifier}"


def role_arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT_ID}:role/{role}"


def stream_name(stream: str) -> str:
    """The Kinesis stream that a manifest calls `stream`."""
    return f"{ENVIRONMENT}-{stream}"


def stream_arn(stream_name: str) -> str:
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/{stream_name}"


def queue_name(queue: str) -> str:
    """The SQS queue that a manifest calls `queue`."""
    return f"{ENVIRONMENT}-{queue}"


def queue_arn(queue_name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue_name}"


def kinesis_client(endpoint: str) -> KinesisClient:
    config = Config(retries={"total_max_attempts": 2})
    return _session().client("kinesis", endpoint_url=endpoint, config=config)


def sqs_client(endpoint: str) -> SQSClient:
    return _session().client("sqs", endpoint_url=endpoint)


def lambda_client(endpoint: str) -> LambdaClient:
    """A client that sends an invocation once: a second try would run the function twice."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=900)
    return _session().client("lambda", endpoint_url=endpoint, config=config)


def _session() -> boto3.Session:
    return boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
