import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from handlers.login import core


def test_nobody_takes_as_long_as_somebody() -> None:
    hashed = PasswordHasher().hash("any")
    assert extract_parameters(core.NOBODY) == extract_parameters(hashed)
    assert len(core.NOBODY) == len(hashed)


@pytest.mark.parametrize("target", ["/", "/logs?level=ERROR&text=a%20b", "/errors/00ff?from=1~2"])
def test_a_path_of_ours_is_a_target(target: str) -> None:
    assert core.safe_target(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "logs",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nset-cookie: a=b",
        "/\u2028",
        "http://[",
    ],
)
def test_anything_else_is_none(target: str) -> None:
    assert core.safe_target(target) == "/"


@given(st.text())
def test_a_target_is_always_a_path(target: str) -> None:
    safe = core.safe_target(target)
    assert safe.startswith("/")
    assert not safe.startswith(("//", "/\\"))
    assert safe.isascii() and safe.isprintable()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_person_has_one_address_or_a_network(address: str, network: str) -> None:
    assert core.network(address) == network


def test_an_account_and_an_address_of_the_same_text_are_not_the_same() -> None:
    attempt = core.attempt({"name": "192.0.2.7"}, "192.0.2.7")
    assert attempt.account_sha256 != attempt.address_sha256


def test_throttling_goes_by_account_and_by_address() -> None:
    assert not core.is_throttled(core.ATTEMPTS_OF_ACCOUNT - 1, core.ATTEMPTS_OF_ADDRESS - 1)
    assert core.is_throttled(core.ATTEMPTS_OF_ACCOUNT, 0)
    assert core.is_throttled(0, core.ATTEMPTS_OF_ADDRESS)
