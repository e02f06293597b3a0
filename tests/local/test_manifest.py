import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.errors import LocalCloudError
from local.manifest import load_manifests, publish

type Package = Callable[..., None]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


def test_functions_that_may_not_exist_locally_are_left_out(package: Package, dist: Path) -> None:
    package("tests.everywhere", "")
    package("tests.local", "", environments=["local", "qa"])
    package("tests.prod", "", environments=["prod"])
    names = [manifest.name for manifest in load_manifests(dist)]
    assert names == ["tests.everywhere", "tests.local"]


def test_a_zip_for_another_architecture(
    package: Package, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.manifest.MACHINE", "arm64")  # there is no second machine here
    package("tests.one", "", architecture="x86_64")
    with pytest.raises(LocalCloudError, match="architecture=arm64 package ::"):
        load_manifests(dist)


def test_a_zip_for_another_python(package: Package, dist: Path) -> None:
    package("tests.one", "", runtime="python3.9")
    with pytest.raises(LocalCloudError, match=r"is for python3\.9"):
        load_manifests(dist)


def test_a_zip_that_is_missing_or_another(package: Package, dist: Path) -> None:
    package("tests.one", "")
    archive = dist / "tests.one.zip"
    archive.write_bytes(b"another")
    with pytest.raises(LocalCloudError, match="not the zip its manifest describes"):
        load_manifests(dist)
    archive.unlink()
    with pytest.raises(LocalCloudError, match="is missing"):
        load_manifests(dist)


def test_a_manifest_with_an_unknown_field(package: Package, dist: Path) -> None:
    package("tests.one", "", colour="red")
    with pytest.raises(LocalCloudError, match=r"tests\.one\.json .*colour"):
        load_manifests(dist)


def test_publish_replaces_only_what_differs(package: Package, dist: Path, tmp_path: Path) -> None:
    package("tests.same", "same")
    package("tests.changed", "old")
    packaged = dist.rename(tmp_path / "packaged")
    publish(packaged, dist)
    before = {path.name: path.stat().st_ino for path in dist.iterdir()}
    manifest = packaged / "tests.changed.json"
    manifest.write_text(json.dumps({"new": True}))
    publish(packaged, dist)
    after = {path.name: path.stat().st_ino for path in dist.iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["tests.changed.json"]
    assert (dist / manifest.name).read_bytes() == manifest.read_bytes()
