"""Rules of the list operations in the Lambda API reference: MaxItems and Marker."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from local.lambda_api_protocol import page

ITEMS = {"b": 2, "a": 1, "c": 3}


def listed(query: str) -> object:
    answer = page("Items", ITEMS, lambda item: {"Item": item}, make_mocked_request("GET", query))
    return json.loads(str(answer.text))


def test_a_page_ends_with_the_marker_of_the_next() -> None:
    assert listed("/?MaxItems=2") == {"Items": [{"Item": 1}, {"Item": 2}], "NextMarker": "b"}
    assert listed("/?MaxItems=2&Marker=b") == {"Items": [{"Item": 3}], "NextMarker": None}


@pytest.mark.parametrize("maximum", ["0", "-1", "all"])
def test_a_page_has_room_for_one_item_at_least(maximum: str) -> None:
    with pytest.raises(web.HTTPBadRequest) as refused:
        listed(f"/?MaxItems={maximum}")
    assert json.loads(str(refused.value.text))["Message"].startswith(f"MaxItems is {maximum}: ")
