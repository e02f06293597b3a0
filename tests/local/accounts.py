"""An AWS account, or a local cloud that plays one: functions in it, through public APIs alone."""

from __future__ import annotations

import io
import json
import platform
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

HANDLER = "tests.one.handler.handler"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}

type Deploy = Callable[..., Deployed]


@dataclass(frozen=True)
class Account:
    """An AWS account, or a local cloud that plays one. `url` is the local cloud's address."""

    functions: LambdaClient
    kinesis: KinesisClient
    queues: SQSClient
    role: str  # the ARN of the functions' execution role
    url: str | None


@dataclass(frozen=True)
class Deployed:
    """A function in an account. `url` is the address of the local cloud, None on AWS."""

    client: LambdaClient
    name: str
    url: str | None

    def invoke(self, event: object, **arguments: Any) -> Any:
        """Invokes the function; the payload of the answer is under "Payload", decoded."""
        answer: Any = self.client.invoke(
            FunctionName=self.name, Payload=json.dumps(event), **arguments
        )
        payload = answer["Payload"].read()
        return {**answer, "Payload": json.loads(payload) if payload else None}


@contextmanager
def deployed(account: Account, source: str, **fields: Any) -> Iterator[Deployed]:
    name = f"conformance-{uuid.uuid4()}"
    definition: Any = {
        "Runtime": "python3.13",
        "Architectures": [ARCHITECTURES[platform.machine()]],
        "Role": account.role,
        "Handler": HANDLER,
        "Code": {"ZipFile": zipped(source)},
        "Timeout": 10,
    }
    account.functions.create_function(FunctionName=name, **(definition | fields))
    try:
        account.functions.get_waiter("function_active_v2").wait(FunctionName=name)
        yield Deployed(account.functions, name, account.url)
    finally:
        account.functions.delete_function(FunctionName=name)


def zipped(source: str) -> bytes:
    """A zip whose handler is HANDLER; it is another for each source, and the same for the same."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zip_file:
        zip_file.writestr(zipfile.ZipInfo("tests/one/handler.py"), source)
    return content.getvalue()
