"""Credentials from an emulated Secrets Manager, as the function asks for them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from shared.credentials import source
from shared.errors import Misconfiguration, Unavailable
from tests.fixtures.secret import rotate, value


def test_a_rotated_secret_is_read_anew(secret: str) -> None:
    credentials = source({"DATABASE_SECRET_ARN": secret})
    assert credentials() == {"user": "sluice_write", "password": "old"}
    rotate(secret, value("sluice_write_clone", "new"))
    assert credentials() == {"user": "sluice_write_clone", "password": "new"}


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"username": "u"}'])
def test_a_secret_of_another_shape_is_said_without_its_content(secret: str, content: str) -> None:
    rotate(secret, content)
    with pytest.raises(Misconfiguration, match='"username" and "password"') as raised:
        source({"DATABASE_SECRET_ARN": secret})()
    assert content not in str(raised.value)


def test_a_secret_that_is_not_there_is_said(secret: str) -> None:
    with pytest.raises(Misconfiguration, match="gone cannot be read: ResourceNotFoundException"):
        source({"DATABASE_SECRET_ARN": "gone"})()


def test_an_unreachable_service_is_tried_later(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="EndpointConnectionError"):
        source({"DATABASE_SECRET_ARN": secret})()


def test_a_token_is_signed_for_the_user_and_host(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "5433")
    monkeypatch.setenv("PGUSER", "sluice_write")
    token = source({"DATABASE_IAM_AUTHENTICATION": "true"})()["password"]
    parts = urlsplit(f"https://{token}")
    assert parts.netloc == "db.example:5433"
    assert parse_qs(parts.query)["DBUser"] == ["sluice_write"]
    assert "X-Amz-Signature" in parts.query


def test_without_either_libpq_knows_itself() -> None:
    assert source({"PGUSER": "sluice_write", "PGPASSWORD": "secret"})() == {}
