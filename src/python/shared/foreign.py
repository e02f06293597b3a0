"""Makes what clients of other protocols send fit for an event.

Their users can't mend what an SDK made of a value, so nothing here is refused: what PostgreSQL or
JSON cannot hold is replaced, and the rest is kept.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from shared.events import MAXIMUM_NESTING

# An event has these values one or two levels down.
NESTING = MAXIMUM_NESTING - 4
REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL, and surrogates, which come from cut-off pairs


def text(value: str, maximum: int | None = None) -> str:
    """The text without what PostgreSQL cannot hold, at most so many characters."""
    return _UNSTORABLE.sub(REPLACEMENT, value[:maximum])


def storable(value: object, nesting: int = NESTING) -> Any:
    """A value as JSON and PostgreSQL can hold it, containers nested no deeper than that."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping | list):
        if nesting == 0:
            return f"[nested deeper than {NESTING} levels]"
        if isinstance(value, list):
            return [storable(item, nesting - 1) for item in value]
        return {text(str(key)): storable(item, nesting - 1) for key, item in value.items()}
    return value
