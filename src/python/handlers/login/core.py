"""Who tries to log in, whether they may try, and where they go then."""

import hashlib
import ipaddress
from datetime import timedelta

import msgspec

WINDOW = timedelta(minutes=15)
# Passwords are made by set_account and cannot be guessed in any number of attempts. This keeps the
# price of checking them down, and holds for a person who is locked out no longer than the window.
ATTEMPTS_OF_ACCOUNT = 10
ATTEMPTS_OF_ADDRESS = 50

# What a password is held against where there is no such account, so that it takes as long.
NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$B7T9Yg/bcZcYmZInQBKlBw"
    "$3PDzlwgS8f8ezXoBOR1Uf/pkD1hNAPEzwS6UezIHEYg"
)
REFUSED = "The name or the password is wrong."


class Attempt(msgspec.Struct, frozen=True):
    """An attempt to log in, and what it counts against: an account's name and an address."""

    name: str
    password: str
    target: str
    account_sha256: bytes
    address_sha256: bytes


def attempt(form: dict[str, str], source_ip: str) -> Attempt:
    """The attempt that a posted form is."""
    name = form.get("name", "").strip().replace("\0", "")
    return Attempt(
        name=name,
        password=form.get("password", ""),
        target=safe_target(form.get("next", "")),
        account_sha256=_sha256(f"account {name}"),
        address_sha256=_sha256(f"address {network(source_ip)}"),
    )


def network(source_ip: str) -> str:
    """What one person has of addresses: one of IPv4, a network of 64 bits of IPv6."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return source_ip
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def is_throttled(attempts_of_account: int, attempts_of_address: int) -> bool:
    """Whether another attempt is one too many, after so many within WINDOW."""
    return attempts_of_account >= ATTEMPTS_OF_ACCOUNT or attempts_of_address >= ATTEMPTS_OF_ADDRESS


def lock_keys(attempt: Attempt) -> list[int]:
    """The numbers of the locks that an attempt needs, in the order that keeps all from deadlock."""
    subjects = attempt.account_sha256, attempt.address_sha256
    return sorted(int.from_bytes(subject[:8], signed=True) for subject in subjects)


def safe_target(target: str) -> str:
    """The target if it is a path on this site, else the first page.

    Browsers take a backslash for a slash, drop tabs and line ends, and read //host as a host.
    """
    is_path = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if is_path and target.isascii() and target.isprintable() else "/"


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
