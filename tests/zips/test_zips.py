"""The zips as they ship: what is in them, and that they need nothing around them."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import pytest

MANIFESTS = sorted(Path().glob("*.*.json"))
SCHEMA = Path("pants-plugins/aws_lambda_function/manifest.schema.json")
UNCHECKED_HASH = 0b01

# What the functions need to load; nothing is connected to.
ENVIRONMENT = {
    "ENVIRONMENT": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "API_KEY_SHA256": hashlib.sha256(b"key").hexdigest(),
    "PGHOST": "localhost",
    "PGUSER": "sluice_write",
    "PGDATABASE": "sluice",
}

each_function = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)


def read(manifest: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(manifest.read_text())
    return content


def packages(manifest: Path) -> set[str]:
    """The names of the third-party packages in the zip of a manifest."""
    names = zipfile.ZipFile(manifest.with_suffix(".zip")).namelist()
    return {name.split("-")[0] for name in names if name.endswith(".dist-info/METADATA")}


def test_every_function_is_here() -> None:
    assert len(MANIFESTS) == 15


@each_function
def test_the_manifest_keeps_its_schema(manifest: Path) -> None:
    jsonschema.validate(read(manifest), json.loads(SCHEMA.read_text()))


@each_function
def test_the_manifest_describes_the_zip(manifest: Path) -> None:
    zip_file = manifest.with_suffix(".zip")
    infos = zipfile.ZipFile(zip_file).infolist()
    assert read(manifest)["zip"] == {
        "file": zip_file.name,
        "sha256": hashlib.sha256(zip_file.read_bytes()).hexdigest(),
        "size": zip_file.stat().st_size,
        "unpacked_size": sum(info.file_size for info in infos),
    }


@each_function
def test_the_zip_holds_only_what_its_function_imports(manifest: Path) -> None:
    botocore = {"botocore", "jmespath", "python_dateutil", "six", "urllib3"}
    boto3 = {"boto3", "s3transfer"} | botocore
    yoyo = {
        "yoyo_migrations",
        "importlib_metadata",
        "lazy_importer",
        "sqlparse",
        "tabulate",
        "zipp",
    }
    decoders = {
        "producers.otlp_logs": {"googleapis_common_protos", "opentelemetry_proto", "protobuf"},
        "producers.sentry_envelope": {"brotli"},
    }
    argon2 = {"argon2_cffi", "argon2_cffi_bindings", "cffi", "pycparser"}
    jinja2 = {"jinja2", "markupsafe"}
    database = {"psycopg2_binary", "snapshot_restore_py"}
    if manifest.stem.startswith("producers."):
        expected = {"msgspec"} | botocore | decoders.get(manifest.stem, set())
    elif manifest.stem == "consumers.migrate":
        expected = database | yoyo
    elif manifest.stem in ("consumers.retention", "consumers.merge_error_counts"):
        expected = database
    elif manifest.stem == "consumers.set_account":
        expected = database | {"msgspec"} | argon2
    elif manifest.stem == "handlers.login":
        expected = database | {"msgspec"} | argon2 | jinja2
    elif manifest.stem == "handlers.index":
        expected = database | {"msgspec"} | jinja2
    elif manifest.stem == "consumers.redrive":
        expected = database | {"msgspec"} | boto3
    else:
        expected = database | {"msgspec"}
    assert packages(manifest) == expected


@each_function
def test_the_zip_holds_no_other_handler(manifest: Path) -> None:
    names = zipfile.ZipFile(manifest.with_suffix(".zip")).namelist()
    handlers = [name for name in names if name.endswith("/handler.py")]
    assert handlers == [f"{manifest.stem.replace('.', '/')}/handler.py"]


@each_function
def test_bytecode_is_there_and_is_never_checked_against_sources(manifest: Path) -> None:
    archive = zipfile.ZipFile(manifest.with_suffix(".zip"))
    name = f"{manifest.stem.replace('.', '/')}/__pycache__/handler.cpython-313.pyc"
    bytecode = archive.read(name)
    assert bytecode[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(bytecode[4:8], "little") == UNCHECKED_HASH


@each_function
def test_the_zip_holds_no_tests_types_or_records_of_an_installation(manifest: Path) -> None:
    names = zipfile.ZipFile(manifest.with_suffix(".zip")).namelist()
    kept_of_dist_info = {"METADATA", "entry_points.txt"}
    for path in map(PurePosixPath, names):
        assert path.suffix != ".pyi"
        assert "tests" not in path.parts
        assert path.name != "dateutil-zoneinfo.tar.gz"
        assert ".dist-info" not in str(path.parent) or path.name in kept_of_dist_info


def test_botocore_knows_the_services_that_are_called_and_says_how_to_keep_others(
    tmp_path: Path,
) -> None:
    zipfile.ZipFile("producers.error_event.zip").extractall(tmp_path)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import botocore.exceptions, botocore.session
session = botocore.session.Session()
session.create_client("kinesis", region_name="eu-central-1")
try:
    session.create_client("s3", region_name="eu-central-1")
except botocore.exceptions.UnknownServiceError as error:
    print(error)
"""
    message = subprocess.check_output([sys.executable, "-I", "-S", "-c", program], text=True)
    assert "Unknown service: 's3'" in message
    assert "the field aws_services of the function's BUILD target" in message


@each_function
def test_no_module_is_compiled_when_the_handler_loads(manifest: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(manifest.with_suffix(".zip")).extractall(tmp_path)
    module = read(manifest)["handler"].rpartition(".")[0]
    # An unpacked zip has the times of its entries, none of which is a source's: only bytecode that
    # is not checked against its source is used.
    program = f"""
import importlib, sys
from importlib.machinery import SourceFileLoader
sys.path.insert(0, {str(tmp_path)!r})
def refuse(self, data, path, **options):
    raise AssertionError(f"compiled: {{path}}")
SourceFileLoader.source_to_code = refuse
importlib.import_module({module!r})
"""
    command = [sys.executable, "-I", "-S", "-c", program]
    subprocess.run(command, check=True, cwd="/", env=ENVIRONMENT)


# But for the index: of a session only the database knows whose it is, and test_pages asks it.
OVER_HTTP = [
    manifest
    for manifest in MANIFESTS
    if (read(manifest)["trigger"] or {}).get("type") == "http" and manifest.stem != "handlers.index"
]


def refusals(function: str) -> list[tuple[dict[str, Any], int]]:
    """Requests of someone who is not known, and the status of the answer to each."""
    headers = [{}, {"authorization": "Bearer"}, {"x-api-key": "another"}]
    requests = [
        {
            "requestContext": {},
            "headers": {"content-type": "application/json", **named},
            "body": "not an event",
        }
        for named in headers
    ]
    if function == "producers.sentry_envelope":  # whose key may be within the envelope
        envelopes = [
            requests[0] | {"body": "{}"},
            requests[0] | {"body": '{"dsn": "http://a@b/1"}'},
        ]
        return list(zip(envelopes, (401, 403), strict=True))
    if function.startswith("handlers."):
        http = {"method": "POST", "sourceIp": "192.0.2.1"}
        another_site = {"host": "a.example", "sec-fetch-site": "cross-site"}
        return [
            ({"rawPath": path, "headers": another_site, "requestContext": {"http": http}}, 403)
            for path in ("/login", "/logout")
        ]
    return [(request, 401) for request in requests]


@pytest.mark.parametrize("manifest", OVER_HTTP, ids=lambda path: path.stem)
def test_over_http_a_stranger_is_refused_before_all_else(manifest: Path, tmp_path: Path) -> None:
    content = read(manifest)
    zipfile.ZipFile(manifest.with_suffix(".zip")).extractall(tmp_path)
    module, _, function = content["handler"].rpartition(".")
    requests, expected = zip(*refusals(manifest.stem), strict=True)
    program = f"""
import importlib, json, sys
sys.path.insert(0, {str(tmp_path)!r})
handle = importlib.import_module({module!r}).{function}
print(json.dumps([handle(request, None)["statusCode"] for request in {list(requests)!r}]))
"""
    command = [sys.executable, "-I", "-S", "-c", program]
    answers = subprocess.check_output(command, cwd="/", env=ENVIRONMENT, text=True)
    assert json.loads(answers) == list(expected)


@each_function
def test_no_function_that_may_clear_tables_can_be_in_prod(manifest: Path) -> None:
    content = read(manifest)
    if content["permissions"]["database"] == "clear":
        assert content["environments"]
        assert "prod" not in content["environments"]


def test_a_traceback_shows_source_lines(tmp_path: Path) -> None:
    zipfile.ZipFile("consumers.read_table.zip").extractall(tmp_path)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from consumers.read_table.core import parse
parse({{"table": "nothing"}})
"""
    command = [sys.executable, "-I", "-S", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True)
    assert f'File "{tmp_path}/consumers/read_table/core.py"' in result.stderr
    assert "table = invocation.table(query.table)" in result.stderr


@each_function
def test_the_handler_loads_in_a_bare_python(manifest: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(manifest.with_suffix(".zip")).extractall(tmp_path)
    module, _, function = read(manifest)["handler"].rpartition(".")
    program = f"""
import importlib, sys, sysconfig
sys.path.insert(0, {str(tmp_path)!r})
assert callable(importlib.import_module({module!r}).{function})
places = {str(tmp_path)!r}, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
for name, module in sys.modules.items():
    file = getattr(module, "__file__", None)
    assert file is None or file.startswith(places) and "site-packages" not in file, (name, file)
"""
    # Isolated and without site-packages: nothing but the standard library and the zip.
    command = [sys.executable, "-I", "-S", "-c", program]
    subprocess.run(command, check=True, cwd="/", env=ENVIRONMENT)
