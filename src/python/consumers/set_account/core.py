"""Whose account set_account is to set, and how."""

from typing import Annotated

import msgspec

from shared import invocation
from shared.errors import InvalidRequest


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The invocation's event."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    remove: bool = False


def parse(event: object) -> Request:
    """What is asked; raises InvalidRequest."""
    request = invocation.parse(event, Request)
    if request.name != request.name.strip() or not request.name.isprintable():
        raise InvalidRequest("name must have no space at its ends, and nothing unprintable in it")
    return request
