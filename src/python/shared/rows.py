"""What an event is as a row of its table, and which errors are the same fault."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.events import Cause, ErrorEvent, Event, Frame, LogEvent

_NOT_APPLICATION = re.compile(
    r"/(site|dist)-packages/"
    r"|/lib/python\d"  # the standard library on Linux and macOS
    r"|/python[\d.]*/lib/"  # and on Windows
    r"|^<frozen ",
    re.IGNORECASE,
)


def log_row(event: LogEvent) -> dict[str, Any]:
    """The values of shared.tables.LOGS, by column."""
    return {**_common(event), "level": event.level, "message": event.message}


def error_row(event: ErrorEvent) -> dict[str, Any]:
    """The values of shared.tables.ERRORS, by column."""
    return {
        **_common(event),
        "fingerprint": fingerprint(event),
        "type": event.type,
        "message": event.message,
        "stack": event.stack,
        "causes": event.causes,
    }


def _common(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "service": event.service,
        "environment": event.environment,
        "attributes": event.attributes,
    }


def fingerprint(event: ErrorEvent) -> str:
    """16 hexadecimal digits that are equal for what is the same fault.

    It goes by the types of the exception and its causes and by the calls in the application that
    led to each, not by lines, code or directories, so that an edit or another place of installation
    does not change it. Recursion counts once, however deep it went.
    """
    exceptions: list[ErrorEvent | Cause] = [event, *event.causes]
    signature = [[exception.type, *_calls(exception.stack)] for exception in exceptions]
    if not any(exception.stack for exception in exceptions):
        signature.append([_without_values(event.message)])
    return hashlib.sha256(msgspec.json.encode(signature)).hexdigest()[:16]


def in_application(frame: Frame) -> bool:
    """Whether a call is in the program, not a library: as the client says, or else by its path."""
    if frame.in_application is not None:
        return frame.in_application
    return not _NOT_APPLICATION.search(frame.file.replace("\\", "/"))


def _calls(stack: Sequence[Frame]) -> list[str]:
    """Each function called, once; those of the application unless there are none."""
    frames = [frame for frame in stack if in_application(frame)] or stack
    return list(dict.fromkeys(f"{_module(frame)}:{frame.function}" for frame in frames))


def _module(frame: Frame) -> str:
    """The module, or the file's name where there is none: a directory tells where, not what."""
    if frame.module and frame.module != "__main__":
        return frame.module
    return frame.file.replace("\\", "/").rpartition("/")[2]


def _without_values(message: str) -> str:
    """The message with every word that holds a digit, such as an id or a number, made the same."""
    return re.sub(r"\S*\d\S*", "#", message)
