"""How values of fields are checked against AWS's limits."""

from __future__ import annotations

from collections.abc import Iterable
from re import Pattern
from typing import Optional

from pants.engine.addresses import Address
from pants.engine.target import IntField, InvalidFieldException


def check_each(
    field: str, address: Address, values: Iterable[str], valid: Pattern[str], expected: str
) -> None:
    for value in values:
        if not valid.fullmatch(value):
            raise InvalidFieldException(
                f"The `{field}` field of {address} has the value {value!r}, but must be {expected}."
            )


class BoundedIntField(IntField):
    minimum: int
    maximum: int
    unit: str
    no_limit: Optional[int] = None

    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:
        value: Optional[int] = super().compute_value(raw_value, address)
        if value is None or value == cls.no_limit or cls.minimum <= value <= cls.maximum:
            return value
        or_no_limit = "" if cls.no_limit is None else f", or {cls.no_limit} for no limit"
        raise InvalidFieldException(
            f"The `{cls.alias}` field of {address} has the value {value}, but AWS takes "
            f"{cls.minimum} to {cls.maximum} {cls.unit}{or_no_limit}."
        )
