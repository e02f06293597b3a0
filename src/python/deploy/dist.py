"""The manifests in dist/, of the functions of every environment."""

from pathlib import Path

import msgspec

from deploy.errors import DeployError
from local.manifest import Manifest


def load_manifests(dist: Path) -> list[Manifest]:
    """All functions, ordered by name; raises DeployError when there is none."""
    names = sorted(path.stem for path in dist.glob("*.json"))
    if not names:
        raise DeployError(f"There is no function in {dist}: run `./pants package ::` first.")
    return [load_manifest(name, dist) for name in names]


def load_manifest(name: str, dist: Path) -> Manifest:
    """The manifest of one function; raises DeployError when it is missing or no manifest."""
    path = dist / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise DeployError(f"{path} is no manifest ({error}): run `./pants package ::`.") from error
