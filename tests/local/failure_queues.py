"""A queue for what is discarded, made and read through public APIs alone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.local.accounts import Account
from tests.local.consumers import until


@dataclass(frozen=True)
class FailureQueue:
    account: Account
    url: str
    arn: str

    def document(self) -> Any:
        """The next document in the queue, waited for and taken out."""
        found: list[Any] = []

        def receive() -> bool:
            answer = self.account.queues.receive_message(QueueUrl=self.url)
            for message in answer.get("Messages", []):
                self.account.queues.delete_message(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                )
                found.append(json.loads(message["Body"]))
            return bool(found)

        until(receive)
        (document,) = found
        return document


@contextmanager
def created_queue(account: Account) -> Iterator[FailureQueue]:
    url = account.queues.create_queue(QueueName=f"conformance-{uuid.uuid4()}")["QueueUrl"]
    try:
        attributes: Any = account.queues.get_queue_attributes(
            QueueUrl=url, AttributeNames=["QueueArn"]
        )["Attributes"]
        yield FailureQueue(account, url, attributes["QueueArn"])
    finally:
        account.queues.delete_queue(QueueUrl=url)
