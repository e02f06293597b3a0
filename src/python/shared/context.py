"""Lambda's context object, as far as it is used here.

Source: "Using the Lambda context object to retrieve Python function information".
"""

from typing import Protocol


class Context(Protocol):
    """What a handler is given beside its event."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...
