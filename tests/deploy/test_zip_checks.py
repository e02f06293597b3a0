"""What is wrong with a zip is seen before it is sent."""

import io
import zipfile

import pytest

from deploy import zip_checks
from deploy.zip_checks import MACHINES, zip_problems
from tests.deploy.test_plan import manifest


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return content.getvalue()


def binary(architecture: str) -> bytes:
    return b"\x7fELF" + bytes(14) + MACHINES[architecture].to_bytes(2, "little") + bytes(40)


def test_a_zip_that_runs_has_no_problem() -> None:
    content = zipped(t__a__handler_dot_py=b"", x_dot_so=binary("x86_64"), empty=b"")
    assert zip_problems(manifest("t.a"), content) == []


def test_a_binary_for_another_architecture_is_found() -> None:
    content = zipped(t__a__handler_dot_py=b"", x_dot_so=binary("arm64"))
    (problem,) = zip_problems(manifest("t.a"), content)
    assert "is for x86_64, but x.so in it is not" in problem
    assert "--aws-lambda-function-architecture=x86_64" in problem
    assert zip_problems(manifest("t.a", architecture="arm64"), content) == []


def test_a_handler_that_is_not_there_is_found() -> None:
    (problem,) = zip_problems(manifest("t.a"), zipped(t__b__handler_dot_py=b""))
    assert problem == "t.a.zip lacks t/a/handler.py, which the handler t.a.handler.run is in"


def test_what_is_too_large_for_lambda_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped(t__a__handler_dot_py=b"#" * 1000)
    monkeypatch.setattr(zip_checks, "MAXIMUM_ZIP", 999)
    monkeypatch.setattr(zip_checks, "MAXIMUM_UNPACKED", 999)
    problems = zip_problems(manifest("t.a"), content)
    assert [problem.split(", but")[0] for problem in problems] == [
        f"t.a.zip has {len(content):,} bytes",
        "t.a.zip unpacks to 1,000 bytes",
    ]
