"""The account for the pages, made at the first start."""

import json
from pathlib import Path

from local import account
from local.errors import LocalCloudError
from local.function import Function

SET_ACCOUNT = account.deployed_name("consumers.set_account")
NAME = "local"


def invitation(url: str, password: str) -> str:
    """Where the pages are, and how to log in."""
    return f"Pages: {url}/ (log in as {NAME} with the password {password})"


async def password(set_account: Function, state: Path) -> str:
    """The account's password, which `state` keeps; raises LocalCloudError."""
    path = state / "password"
    path.touch(mode=0o600)
    if not path.stat().st_size:
        result = await set_account.invoke(json.dumps({"name": NAME}).encode())
        answer = json.loads(result.payload)
        if result.failed:
            raise LocalCloudError(f"No account could be made: {answer['errorMessage']}")
        path.write_text(answer["password"])
    return path.read_text()
