"""What log_sink makes of a batch: rows of the table logs."""

from collections.abc import Iterator

from shared import batch, invocation
from shared.events import LogEvent
from shared.rows import log_row


def groups(event: object) -> Iterator[batch.Group]:
    """The log events of a batch, in groups to commit together; raises InvalidRequest."""
    return batch.groups(invocation.parse(event, batch.Batch), LogEvent, log_row)
