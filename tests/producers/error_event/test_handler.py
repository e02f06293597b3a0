import importlib
import json

import pytest

from tests.fixtures.documents import bad, error, log
from tests.fixtures.http import KEY_SHA256, request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams


def test_puts_good_events_on_the_stream_and_names_bad_ones(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY_SHA256", KEY_SHA256)
    from producers.error_event import handler

    good = json.dumps(error(attributes={"user": "Zoë"}, partition_key="k")).encode()
    of_another_kind = json.dumps(log()).encode()
    lines = [good, *(line for line, _ in bad(error())), of_another_kind, good]
    response = importlib.reload(handler).error_event(request(b"\n".join(lines)), Context())
    assert response["statusCode"] == 400
    content = json.loads(response["body"])
    assert [entry["index"] for entry in content["accepted"]] == [0, len(lines) - 1]
    assert len(content["rejected"]) == len(lines) - 2
    (documents,) = streams.read("errors")
    assert [json.loads(document)["attributes"] for document in documents] == [{"user": "Zoë"}] * 2
    assert streams.read("logs") == []
