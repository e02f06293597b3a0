"""Which of botocore's service descriptions a function needs, and botocore's data cut to them.

botocore describes every AWS service in JSON files, far larger than all code of a usual function. A
function's code names the services it calls: `client("kinesis")`. Where it doesn't, all are kept.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import PurePosixPath

DATA = PurePosixPath("botocore/data")
RESOURCES = PurePosixPath("boto3/data")
ENDPOINTS = DATA / "endpoints.json"
MAKERS_OF_CLIENTS = {"client", "create_client", "resource"}

# botocore answers a call for a service it has no description of with "Valid service names are:" and
# the names of the folders in its data, so a folder's name is what reaches whoever made the call.
HINT = DATA / "any that the field aws_services of the function's BUILD target names"
HINT_FILE = HINT / "2006-01-01" / "service-2.json"


class UnknownServices(Exception):
    """A client is made for a service that the code does not name; the message says where."""


def services_called(sources: Iterable[tuple[PurePosixPath, bytes]]) -> set[str]:
    """The services whose clients Python modules make, given as paths and contents.

    Raises UnknownServices when a call's first argument is not a literal, or nothing makes a client.
    """
    services = set()
    for path, source in sources:
        for node in ast.walk(ast.parse(source)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in MAKERS_OF_CLIENTS or not (node.args or node.keywords):
                continue
            names = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "service_name")]
            if not (
                names and isinstance(names[0], ast.Constant) and isinstance(names[0].value, str)
            ):
                raise UnknownServices(f"{path}:{node.lineno} makes a client of no literal service")
            services.add(names[0].value)
    if not services:
        raise UnknownServices("no call of client() or resource() was found")
    return services


def is_needed(path: PurePosixPath, services: set[str]) -> bool:
    """Whether a file is needed when only these services are called."""
    for data in (DATA, RESOURCES):
        if path.is_relative_to(data) and len(path.relative_to(data).parts) > 1:
            return path.relative_to(data).parts[0] in services
    return True


def cut_endpoints(content: bytes, services: set[str]) -> bytes:
    """botocore's table of endpoints, which it parses whole for a client, cut to these services."""
    table = json.loads(content)
    for partition in table["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in services
        }
    return json.dumps(table, separators=(",", ":")).encode()
