"""Each test event, through the zip that it is for, in a local cloud with all that the zips need."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from deploy.dist import load_manifest
from deploy.errors import DeployError
from deploy.functions import Answer, Functions
from deploy.health import complaint
from deploy.smoke import producers_of, smoke
from local.cloud import Cloud
from tests.local.conftest import running_beside

NAMES = sorted(path.stem for path in Path().glob("*.*.zip"))  # what Pants has packaged
EVENTS = Path("events")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud of all functions."""
    directory = tmp_path_factory.mktemp("cloud")
    (directory / "dist").mkdir()
    for name in NAMES:
        for suffix in ("zip", "json"):
            shutil.copy(f"{name}.{suffix}", directory / "dist")
    with running_beside(directory) as cloud:
        yield cloud


@pytest.fixture
def functions(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Functions:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    return Functions(boto3.Session("any", "any", region_name="us-east-1"), "local")


def test_every_function_has_a_test_event() -> None:
    assert sorted(path.stem for path in EVENTS.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_function_takes_its_test_event_again_and_again(name: str, functions: Functions) -> None:
    event = (EVENTS / f"{name}.json").read_bytes()
    for _ in range(2):
        answer = functions.invoke(name, event, "$LATEST")
        assert complaint(answer) is None, answer.log


def test_test_events_change_nothing_that_people_have_made(
    functions: Functions, cloud: Cloud
) -> None:
    assert cloud.postgres is not None
    with closing(cloud.postgres.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def rows(table: str) -> list[tuple[object, ...]]:
            cursor.execute(f"SELECT * FROM {table}")
            return cursor.fetchall()

        accounts = rows("accounts")
        assert len(accounts) == 1, "the local cloud has made one for the pages"
        for name in NAMES:
            functions.invoke(name, (EVENTS / f"{name}.json").read_bytes(), "$LATEST")
        assert rows("accounts") == accounts
        for table in ("sessions", "login_attempts", "quarantine"):
            assert rows(table) == [], table


def test_the_smoke_test_reads_back_what_each_producer_took(functions: Functions) -> None:
    producers = producers_of([load_manifest(name, Path()) for name in NAMES], EVENTS)
    assert producers == {"producers.error_event": "errors", "producers.log_event": "logs"}
    said: list[str] = []
    smoke(functions, producers, lambda name: "$LATEST", EVENTS, 120, said.append)
    assert sorted(line.split(" after ")[0] for line in said) == [
        "producers.error_event: read back from errors",
        "producers.log_event: read back from logs",
    ]


def test_the_smoke_test_says_what_did_not_come_out(functions: Functions) -> None:
    producers = {"producers.log_event": "errors"}  # where its events are not
    with pytest.raises(DeployError, match=r"What producers\.log_event accepted was not in"):
        smoke(functions, producers, lambda name: "$LATEST", EVENTS, 0, print)


@pytest.mark.parametrize(
    ("payload", "error", "expected"),
    [
        ({"accepted": [1], "rejected": [], "unavailable": []}, None, None),
        ({"batchItemFailures": []}, None, None),
        ({"statusCode": 202}, None, None),
        ({"statusCode": 401, "body": "no key"}, None, None),
        (None, None, None),
        ([1], None, None),
        ({"statusCode": 503, "body": "no"}, None, "HTTP status 503: no"),
        ({"batchItemFailures": [{"itemIdentifier": "1"}]}, None, "batchItemFailures: "),
        ({"accepted": [], "rejected": [{"index": 0}]}, None, "rejected: "),
        ({"error": "no JSON"}, None, "error: no JSON"),
        ({"errorType": "E", "errorMessage": "m"}, "Unhandled", "E: m"),
        ("out of memory", "Unhandled", "Unhandled error: out of memory"),
    ],
)
def test_what_an_answer_shows(payload: object, error: str | None, expected: str | None) -> None:
    said = complaint(Answer(payload, error, ""))
    assert said is None if expected is None else (said or "").startswith(expected)
