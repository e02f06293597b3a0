"""A schedule: what a seed makes happen to some events, one thing after another and all at once."""

import json
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from psycopg2 import extensions

from tests.faults.database_proxy import COMMIT, QUARANTINE, ROWS, WRITE, DatabaseProxy, Fault
from tests.faults.kinesis_front import (
    BAD_GATEWAY,
    FAIL,
    GARBAGE,
    THROTTLE,
    KinesisFront,
    LoseAnswer,
    Refuse,
)
from tests.faults.kinesis_front import Fault as KinesisFault
from tests.faults.world import InvocationFailed, Shard, World
from tests.fixtures.invocation import Context

KEYS = [f"key {n}" for n in range(23)]
BAD = [b"", b"not JSON", b"\x1f\x8bnot gzip", b'{"event_id": 1}', b"\xff\xfe", b"[" * 9999, b"null"]
ATTEMPT = 3500  # milliseconds, enough for one attempt at the database


class Schedule:
    """Runs until so many events are sent, then without faults until all are delivered."""

    def __init__(
        self,
        seed: int,
        world: World,
        proxy: DatabaseProxy,
        front: KinesisFront,
        database: extensions.connection,
        kill_next: Callable[[float | None], None] | None = None,
    ) -> None:
        self._kill_next = kill_next
        self._random = random.Random(seed)
        self._world = world
        self._proxy = proxy
        self._front = front
        self._database = database
        self._unsent: list[dict[str, Any]] = []
        self._old: list[dict[str, Any]] = []

    def run(self, events: int) -> None:
        """The oracle is asked at the end."""
        steps: dict[Callable[[], None], int] = {
            self._send: 30,
            self._deliver: 30,
            self._fail_kinesis: 12,
            self._cut_connection: 12,
            self._put_bad: 8,
            self._repeat: 6,
            self._conflict: 4,
            self._terminate_sessions: 4,
            self._forget_an_answer: 6,
            self._run_out_of_time: 4,
            self._replace_environment: 4,
            self._stall: 1,
            self._reshard: 1,
            self._kill: 0 if self._kill_next is None else 6,
        }
        while len(self._world.sent) < events:
            (step,) = self._random.choices(list(steps), list(steps.values()))
            step()
        self._calm()
        self._world.post_until_taken(self._unsent)
        self._world.deliver_all(self._random.choice([1, 10, 500]))
        self._world.check()

    def _calm(self) -> None:
        """What has not gone wrong yet will not."""
        self._front.faults.clear()
        self._proxy.disarm()
        if self._kill_next is not None:
            self._kill_next(None)

    def _send(self) -> None:
        # What the client must send again goes first: it keeps the order of its keys.
        events = self._unsent or self._events()
        time = Context(10_000) if self._random.random() < 0.8 else Context(10_000, 4_000, 0)
        refused = set(self._world.post(events, time))
        self._unsent = [event for event in events if event["event_id"] in refused]
        taken = [event for event in events if event["event_id"] not in refused]
        self._old = [*self._old[-200:], *taken[-200:]]

    def _events(self) -> list[dict[str, Any]]:
        keys = KEYS if self._random.random() < 0.7 else []
        events = self._world.events(self._random.choice([1, 10, 100, 1000]), keys)
        if self._random.random() < 0.1:  # several records of one key
            for event in events[:60]:
                event["attributes"]["noise"] = self._random.randbytes(20_000).hex()
        return events

    def _put_bad(self) -> None:
        bad = self._random.choices(BAD, k=self._random.randint(1, 5))
        data = self._random.choice(bad) if self._random.random() < 0.5 else b"\n".join(bad)
        self._world.put_bad(data, self._random.choice(KEYS))

    def _repeat(self) -> None:
        if self._old:
            self._world.put_again(self._random.choices(self._old, k=20))

    def _conflict(self) -> None:
        self._finish()  # which of two is the first must not be open
        if self._old:
            other = {**self._random.choice(self._old), "message": "other"}
            self._world.put_bad(json.dumps(other).encode())

    def _finish(self) -> None:
        self._calm()
        self._world.post_until_taken(self._unsent)
        self._unsent = []
        self._world.deliver_all()

    def _deliver(self) -> None:
        self._each_shard(lambda shard: self._world.deliver(shard, self._size()))

    def _forget_an_answer(self) -> None:
        def invoke(shard: Shard) -> None:
            with suppress(InvocationFailed):
                self._world.sink({"Records": shard.records[: self._size()]}, Context())

        self._each_shard(invoke)

    def _run_out_of_time(self) -> None:
        looks = [30_000] * (2 * self._random.randint(0, 2))
        self._each_shard(lambda shard: self._world.deliver(shard, self._size(), Context(*looks, 0)))

    def _each_shard(self, invoke: Callable[[Shard], object]) -> None:
        self._world.fetch()
        for shard in self._sample(self._world.ready()):
            invoke(shard)

    def _sample(self, shards: Iterable[Shard]) -> list[Shard]:
        return [shard for shard in shards if self._random.random() < 0.7]

    def _size(self) -> int:
        return self._random.choice([1, 2, 7, 100, 500])

    def _fail_kinesis(self) -> None:
        salt = self._random.random()
        faults: list[KinesisFault | None] = [
            THROTTLE,
            FAIL,
            BAD_GATEWAY,
            GARBAGE,
            LoseAnswer(),
            None,
            Refuse(lambda place: random.Random(salt + place).random() < 0.5),
        ]
        self._front.faults.append(self._random.choice(faults))

    def _cut_connection(self) -> None:
        pattern = self._random.choice([b"BEGIN", WRITE, ROWS, QUARANTINE, COMMIT])
        fault = self._random.choice([Fault.CUT, Fault.CUT_BEHIND, Fault.LOSE_ANSWER])
        self._proxy.arm(pattern, fault)

    def _stall(self) -> None:
        self._proxy.disarm()
        self._proxy.arm(self._random.choice([ROWS, COMMIT]), Fault.STALL)
        # Time for a group and a bit: what the stall has is the second number less the reserve.
        self._each_shard(lambda shard: self._world.deliver(shard, 100, Context(ATTEMPT, 1_200, 0)))
        self._proxy.disarm()
        assert not self._proxy.outwaited

    def _terminate_sessions(self) -> None:
        with self._database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _kill(self) -> None:
        assert self._kill_next is not None
        self._kill_next(self._random.expovariate(30))
        self._random.choice([self._send, self._deliver])()

    def _replace_environment(self) -> None:
        self._world.new_sink()

    def _reshard(self) -> None:
        if self._world.shards < 16:
            self._world.reshard()
