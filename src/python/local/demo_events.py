"""What a real program sends: records of `logging`, and exceptions that were really raised."""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CUSTOMERS = ("Zoë", "Łukasz", "美咲", "Αθηνά", "👩‍🚀 O'Neill")
LONG = "Lorem ipsum – dolor sit amet. " * 200


class PaymentError(Exception):
    """The error at the end of a chain of causes."""


def log_events(count: int) -> list[dict[str, Any]]:
    """Events of the records that a logger hands to its handlers."""
    collector = _Collector()
    logger = logging.Logger("shop")
    logger.addHandler(collector)
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    for number in range(count):
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        note = LONG if number % 50 == 0 else "thank you"
        logger.log(levels[number % len(levels)], "Order %d of %s: %s", number, customer, note)
    return collector.events


def error_events(count: int) -> list[dict[str, Any]]:
    """Events of exceptions, every third with a chain of causes."""
    return [_error_event(error) for error in raised_errors(count)]


def raised_errors(count: int) -> Iterator[Exception]:
    """Exceptions raised and caught here."""
    for number in range(count):
        try:
            (_pay, _parse_quantity, _ship)[number % 3](number)
        except (PaymentError, ValueError, KeyError) as error:
            yield error


def _pay(number: int) -> None:
    try:
        try:
            json.loads("{" * (1 + number % 5))
        except ValueError as error:
            raise ConnectionError(f"Answer {number} of the bank can't be read") from error
    except ConnectionError as error:
        raise PaymentError(f"{CUSTOMERS[number % len(CUSTOMERS)]} can't pay") from error


def _parse_quantity(number: int) -> None:
    int(f"{number} pieces")


def _ship(number: int) -> None:
    prices: dict[str, int] = {}
    prices[f"article {number}{LONG * (number % 30 == 2)}"] += 1


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append(
            {
                "service": record.name,
                "environment": "demo",
                "occurred_at": datetime.fromtimestamp(record.created, UTC).isoformat(),
                "level": record.levelname,
                "message": record.getMessage(),
                "attributes": {"line": record.lineno, "function": record.funcName},
            }
        )


def _error_event(error: Exception) -> dict[str, Any]:
    causes = []
    cause = error.__cause__
    while cause is not None:
        causes.append(_exception(cause))
        cause = cause.__cause__
    return {
        "service": "shop",
        "environment": "demo",
        "occurred_at": datetime.now(UTC).isoformat(),
        **_exception(error),
        "causes": causes,
    }


def _exception(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "stack": [
            {
                "file": frame.filename,
                "function": frame.name,
                "line": frame.lineno,
                "in_application": Path(frame.filename) == Path(__file__),
                "code": frame.line,
            }
            for frame in traceback.extract_tb(error.__traceback__)
        ],
    }
