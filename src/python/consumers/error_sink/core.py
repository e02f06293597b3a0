"""What error_sink makes of a batch: rows of the table errors."""

from collections.abc import Iterator

from shared import batch, invocation
from shared.events import ErrorEvent
from shared.rows import error_row


def groups(event: object) -> Iterator[batch.Group]:
    """The error events of a batch, in groups to commit together; raises InvalidRequest."""
    return batch.groups(invocation.parse(event, batch.Batch), ErrorEvent, error_row)
