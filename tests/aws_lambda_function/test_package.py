"""`./pants package` writes a zip and a manifest, the same bytes wherever it runs."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from deflate import deflate_compress

from tests.aws_lambda_function.conftest import Repository

HELLO = """\
    import msgspec


    def hello(event, context):
        return msgspec.json.encode(event).decode()
    """
BUILD = """\
    python_sources()

    python_aws_lambda_function(
        name="function",
        handler="handler.py:hello",
        http="POST /hello",
        reserved_concurrency=5,
        on_failure="consumers.dead_letter",
        writes_to=["errors"],
        reads_from=["logs"],
        environments=["local", "qa"],
    )
    """


def add_hello(repository: Repository) -> Repository:
    repository.write("src/python/producers/hello/handler.py", HELLO)
    repository.write("src/python/producers/hello/BUILD", BUILD)
    return repository


@pytest.fixture(scope="module")
def packaged(repository: Repository) -> Path:
    """The dist folder of a repository with one function, packaged."""
    result = add_hello(repository).pants("package", "::")
    assert result.returncode == 0, result.stderr
    return repository.directory / "dist"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Repository]:
    repository = Repository(tmp_path / "elsewhere")
    yield add_hello(repository)
    repository.stop_pantsd()


def test_the_manifest_says_what_the_target_says(packaged: Path) -> None:
    manifest = json.loads((packaged / "producers.hello.json").read_text())
    archive = packaged / "producers.hello.zip"
    assert manifest.pop("zip")["size"] == archive.stat().st_size
    assert manifest == {
        "name": "producers.hello",
        "handler": "producers.hello.handler.hello",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "memory": 256,
        "timeout": 30,
        "reserved_concurrency": 5,
        "on_failure": "consumers.dead_letter",
        "trigger": {"type": "http", "routes": ["POST /hello"]},
        "permissions": {"writes_to": ["errors"], "reads_from": ["logs"], "database": None},
        "environments": ["local", "qa"],
    }


def test_each_target_is_written_once(packaged: Path) -> None:
    assert {file.name for file in packaged.iterdir()} == {
        "producers.hello.zip",
        "producers.hello.json",
    }


def test_another_directory_gives_the_same_bytes(packaged: Path, elsewhere: Repository) -> None:
    assert elsewhere.pants("package", "::").returncode == 0
    for name in "producers.hello.zip", "producers.hello.json":
        assert (elsewhere.directory / "dist" / name).read_bytes() == (packaged / name).read_bytes()


def test_entries_are_compressed_by_the_locks_library(packaged: Path) -> None:
    archive_file = packaged / "producers.hello.zip"
    content = archive_file.read_bytes()
    with zipfile.ZipFile(archive_file) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + 30 + len(entry.filename.encode())
            compressed = content[start : start + entry.compress_size]
            assert compressed == deflate_compress(archive.read(entry), 12), entry.filename


def test_the_zip_runs_in_a_bare_python(packaged: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packaged / "producers.hello.zip").extractall(tmp_path)
    call = "from producers.hello.handler import hello; print(hello({'a': 1}, None))"
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {call}"
    output = subprocess.check_output([sys.executable, "-I", "-S", "-c", program], cwd="/")
    assert output == b'{"a":1}\n'


def test_arm64_holds_aarch64_binaries(repository: Repository) -> None:
    add_hello(repository)
    result = repository.pants(
        "--aws-lambda-function-architecture=arm64",
        "--pants-distdir=arm64",
        "package",
        "src/python/producers/hello:function",
    )
    assert result.returncode == 0, result.stderr
    arm64 = repository.directory / "arm64"
    assert json.loads((arm64 / "producers.hello.json").read_text())["architecture"] == "arm64"
    archive = zipfile.ZipFile(arm64 / "producers.hello.zip")
    binaries = [archive.read(name) for name in archive.namelist() if name.endswith(".so")]
    aarch64 = (183).to_bytes(2, "little")  # e_machine in the ELF header
    assert [binary[18:20] for binary in binaries] == [aarch64]


def test_a_function_is_not_packaged_for_an_environment_it_may_not_exist_in(
    repository: Repository,
) -> None:
    add_hello(repository)
    result = repository.pants(
        "--aws-lambda-function-environment=prod", "--pants-distdir=prod", "package", "::"
    )
    assert result.returncode == 0, result.stderr
    assert list((repository.directory / "prod").iterdir()) == []


def test_a_zip_over_its_limit_fails_with_what_fills_it(repository: Repository) -> None:
    add_hello(repository)
    limited = BUILD.replace('http="POST /hello",', "zip_size_limit=100_000,")
    repository.write("src/python/producers/hello/BUILD", limited)
    result = repository.pants("package", "::")
    assert result.returncode != 0
    assert "its `zip_size_limit` is 100,000" in result.stderr
    assert "largest: msgspec" in result.stderr


def test_tailor_proposes_the_target(repository: Repository) -> None:
    repository.write("src/python/producers/other/handler.py", "def other(event, context): ...")
    assert repository.pants("tailor", "src/python/producers/other:").returncode == 0
    build = (repository.directory / "src/python/producers/other/BUILD").read_text()
    assert (
        'python_aws_lambda_function(\n    name="function",\n    handler="handler.py:other",'
        in build
    )


def test_a_requirement_without_a_wheel_fails_with_its_name(elsewhere: Repository) -> None:
    elsewhere.write("3rdparty/python/BUILD", 'python_requirements(name="requirements")')
    elsewhere.write("3rdparty/python/requirements.txt", "deflate==0.9.0\ndocopt==0.6.2")
    elsewhere.write("src/python/producers/hello/handler.py", "import docopt\ndef hello(e, c): ...")
    locked = elsewhere.pants("generate-lockfiles", "--resolve=python-default")
    assert locked.returncode == 0, locked.stderr
    result = elsewhere.pants("package", "src/python/producers/hello:function")
    assert result.returncode != 0
    assert "docopt 0.6.2" in result.stderr
    assert "does not have any compatible artifacts" in result.stderr


def test_a_new_version_of_a_requirement_changes_the_zips_that_hold_it_and_no_other(
    elsewhere: Repository,
) -> None:
    elsewhere.write("3rdparty/python/BUILD", 'python_requirements(name="requirements")')
    elsewhere.write(
        "src/python/producers/signed/handler.py",
        "import itsdangerous\ndef signed(event, context):\n    return itsdangerous.__name__\n",
    )
    elsewhere.write(
        "src/python/producers/signed/BUILD",
        """\
        python_sources()
        python_aws_lambda_function(name="function", handler="handler.py:signed")
        """,
    )
    digests = []
    for version in ("2.1.2", "2.2.0"):
        elsewhere.write(
            "3rdparty/python/requirements.txt",
            f"deflate==0.9.0\nmsgspec==0.22.0\nitsdangerous=={version}\n",
        )
        locked = elsewhere.pants("generate-lockfiles", "--resolve=python-default")
        assert locked.returncode == 0, locked.stderr
        result = elsewhere.pants("package", "src/python/producers::")
        assert result.returncode == 0, result.stderr
        manifests = (elsewhere.directory / "dist").glob("*.json")
        digests.append({file.stem: json.loads(file.read_text())["zip"] for file in manifests})
    before, after = digests
    assert set(before) == set(after) == {"producers.hello", "producers.signed"}
    assert before["producers.hello"] == after["producers.hello"]
    assert before["producers.signed"]["sha256"] != after["producers.signed"]["sha256"]
