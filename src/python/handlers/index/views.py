"""From rows to what a page shows. Everything here is text; the templates escape it."""

import itertools
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.events import Cause, Frame
from shared.rows import in_application

# A response of Lambda holds 6 MB, and an event of 1 MB may be one long text.
MAXIMUM_CHARACTERS = 20_000
MAXIMUM_FRAMES = 200
MAXIMUM_CAUSES = 10

# Such characters would not be seen, or would have others be seen in another order.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_SEEN = {"\n", "\t", "\u200d"}


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that follow one another in a stack, all in the application or all in libraries."""

    in_application: bool
    frames: list[Frame]


@dataclass(frozen=True, slots=True)
class ShownException:
    """An exception as it is read: its calls innermost first, so many of them left out."""

    type: str
    message: str
    calls: list[Calls]
    left_out: int


@dataclass(frozen=True, slots=True)
class Bars:
    """A picture of counts: the path of its bars, each of them 4 wide and 1 apart, and its words."""

    values: Sequence[int]
    path: str
    width: int
    height: int
    total: int
    words: str


def visible(text: object) -> str:
    """The text with what cannot be seen in it written out."""
    return "".join(
        character
        if character in _SEEN or unicodedata.category(character) not in _UNSEEN
        else f"\\u{ord(character):04x}"
        for character in str(text)
    )


def shortened(text: str, characters: int = MAXIMUM_CHARACTERS) -> str:
    """The text, or how it begins."""
    return text if len(text) <= characters else f"{text[:characters]}…"


def exceptions(type: str, message: str, stack: str, causes: str) -> list[ShownException]:
    """An error and what caused it, nearest first; stack and causes are JSON as it is stored."""
    chain = [
        Cause(type=type, message=message, stack=msgspec.json.decode(stack, type=list[Frame])),
        *msgspec.json.decode(causes, type=list[Cause]),
    ]
    return [_exception(item) for item in chain[: MAXIMUM_CAUSES + 1]]


def _exception(cause: Cause) -> ShownException:
    frames = list(reversed(cause.stack))
    shown = frames[:MAXIMUM_FRAMES]
    calls = [Calls(own, list(group)) for own, group in itertools.groupby(shown, in_application)]
    return ShownException(cause.type, shortened(cause.message), calls, len(frames) - len(shown))


def document(text: str) -> str:
    """JSON made readable; as it is where it has been cut off."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return f"{text}…"


def raw(data: bytes, size: int) -> str:
    """Bytes as text, or as hexadecimal digits where they are none; so many of `size`."""
    try:
        # The cut may be in the midst of a character.
        text = data.decode() if len(data) == size else data.decode(errors="ignore")
        if len(text.encode()) < len(data) - 3:
            raise ValueError
    except ValueError:
        text = data[:1024].hex(" ")
    return text if len(data) == size else f"{text}…"


def hours(counts: Mapping[str, int] | None, moment: datetime) -> Bars:
    """The counts of the 24 hours to a moment, by the second that each hour begins with."""
    last = moment.replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=ago) for ago in range(23, -1, -1)]
    values = [max(0, int((counts or {}).get(str(int(s.timestamp())), 0))) for s in starts]
    return bars(values, 24, [f"{start:%H}:00" for start in starts], "24 hours", "hour")


def minutes(rows: Iterable[Mapping[str, Any]], kind: str, moment: datetime) -> Bars:
    """The counts of a kind of event in each of the 30 minutes to a moment."""
    counts = {row["minute"]: row["count"] for row in rows if row["kind"] == kind}
    last = moment.replace(second=0, microsecond=0)
    starts = [last - timedelta(minutes=ago) for ago in range(29, -1, -1)]
    values = [counts.get(int(start.timestamp()), 0) for start in starts]
    return bars(values, 60, [f"{start:%H:%M}" for start in starts], "30 minutes", "minute")


def bars(values: Sequence[int], height: int, names: Sequence[str], period: str, unit: str) -> Bars:
    """The picture of some values; one that is not zero is at least two high."""
    highest = max(values)
    path = []
    for index, value in enumerate(values):
        tall = max(2, round(value / highest * height)) if value else 0
        path.append(f"M{index * 5} {height}v-{tall}h4v{tall}z" if tall else "")
    total = sum(values)
    words = f"{number(total)} in the last {period}"
    if total:
        words += f", at most {number(highest)} in one {unit}: {names[values.index(highest)]} UTC"
    return Bars(values, "".join(path), len(values) * 5 - 1, height, total, words)


def number(value: int) -> str:
    """A number as people write it."""
    return f"{value:,}"


def time(moment: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago that is."""
    seconds = int((now - moment).total_seconds())
    if seconds < 0:
        return "in the future"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
