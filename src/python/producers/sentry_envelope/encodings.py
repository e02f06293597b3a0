"""The content encodings that Sentry's SDKs use, each of which stops at a limit.

Source: "Transport", Sentry developer documentation; RFC 1950 and RFC 7932.
"""

import zlib
from collections.abc import Mapping

from shared.http_api import GZIP, Decompress
from shared.records import InvalidRecord, TooLarge, decompress


def inflate(data: bytes, limit: int) -> bytes:
    """What zlib data holds, at most limit bytes; raises InvalidRecord."""
    return decompress(data, limit, "deflate", zlib.MAX_WBITS)


def brotli(data: bytes, limit: int) -> bytes:
    """What Brotli data holds, at most limit bytes; raises InvalidRecord."""
    # Only here: most clients send gzip, and need not wait for it to load.
    import brotli  # type: ignore[import-untyped]

    decompressor = brotli.Decompressor()
    try:
        # It stops at the limit or up to a block later, and before only where the data ends.
        result: bytes = decompressor.process(data, output_buffer_limit=limit + 1)
    except brotli.error:
        raise InvalidRecord("Not valid br") from None
    if len(result) > limit:
        raise TooLarge(f"More than {limit} bytes once decompressed")
    if not decompressor.is_finished():
        raise InvalidRecord("Not valid br: it does not end where the data ends")
    return result


ENCODINGS: Mapping[str, Decompress] = {**GZIP, "deflate": inflate, "br": brotli}
