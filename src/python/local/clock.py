"""The clock that schedules and retries go by: tests pass one of their own and need not wait."""

import asyncio
from datetime import UTC, datetime


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


WALL_CLOCK = Clock()
