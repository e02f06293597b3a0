"""What log_sink makes of a batch: rows of the table logs."""

from collections.abc import Iterator

from shared import batch, invocation
from shared.copy_format import row_encoder
from shared.events import LogEvent
from shared.rows import log_row
from shared.tables import LOGS

_encode = row_encoder(LOGS.columns)


def groups(event: object) -> Iterator[batch.Group]:
    """The log events of a batch, in groups to commit together; raises InvalidRequest."""
    parsed = invocation.parse(event, batch.Batch)
    return batch.groups(parsed, LogEvent, log_row, _encode)
