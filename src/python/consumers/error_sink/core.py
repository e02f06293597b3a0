"""What error_sink makes of a batch: rows of the table errors."""

from collections.abc import Iterator

from shared import batch, invocation
from shared.copy_format import row_encoder
from shared.events import ErrorEvent
from shared.rows import error_row
from shared.tables import ERRORS

_encode = row_encoder(ERRORS.columns)


def groups(event: object) -> Iterator[batch.Group]:
    """The error events of a batch, in groups to commit together; raises InvalidRequest."""
    parsed = invocation.parse(event, batch.Batch)
    return batch.groups(parsed, ErrorEvent, error_row, _encode)
