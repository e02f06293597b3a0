"""UUIDv7 (RFC 9562, section 5.7): keys that sort by time, so that inserts meet in an index."""

from uuid import UUID

RANDOM_BYTES = 10


def uuid7(unix_milliseconds: int, random_bytes: bytes) -> UUID:
    """The UUIDv7 of a time (milliseconds since 1970, 48 bits) and RANDOM_BYTES random bytes."""
    value = unix_milliseconds << 80 | int.from_bytes(random_bytes)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
