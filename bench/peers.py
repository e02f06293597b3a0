"""The peers: what others package the same two functions with, each in a project of its own.

A peer's tool is installed once, in its pinned version, into the user's cache. Its project is copied
to where it is built, with the functions put in it; nothing is changed for our sake.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.rows import CannotRun, Say

PROJECTS = Path("bench/peers")
FUNCTIONS = "producer", "sink"


@dataclass(frozen=True)
class Peer:
    """A tool that builds the two functions.

    `pins` is pip's requirements file or npm's package-lock.json for the tool. In a project the
    sources of a function go to `sources`. `build` makes what its tool deploys, `pack` the zips of
    it, where the tool makes none before it deploys. `zip` and `sources` are of "{function}".
    """

    name: str
    pins: Path
    project: Path
    sources: str
    build: tuple[str, ...]
    zip: str
    pack: tuple[str, ...] = ()

    def lay_out(self, directory: Path) -> None:
        """Makes the project in a new directory, with both functions."""
        shutil.copytree(self.project, directory)
        for function in FUNCTIONS:
            source, target = (
                PROJECTS / "functions" / function,
                directory / self.sources.format(function=function),
            )
            target.mkdir(parents=True, exist_ok=True)
            requirements = "requirements.txt"
            shutil.copy2(source / "app.py", target)
            # Chalice has the sources in a package of the project, and the requirements beside it.
            beside = target.parent if target.name == "chalicelib" else target
            shutil.copy2(source / requirements, beside)

    def run(self, command: tuple[str, ...], project: Path, tool: Path) -> None:
        """Runs one of its commands in a project; raises CannotRun when it fails."""
        places = tool / "bin", tool / "node_modules" / ".bin", os.environ["PATH"]
        environment = os.environ | {
            "PATH": ":".join(map(str, places)),
            "VIRTUAL_ENV": str(tool),
            # Nothing is deployed, but some ask for a region and credentials.
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "SAM_CLI_TELEMETRY": "0",
            "SLS_TELEMETRY_DISABLED": "1",
        }
        _run(command, project, environment, f"{self.name} failed")

    def install(self, say: Say) -> Path:
        """The directory of the installed tool; raises CannotRun when it can't be installed."""
        directory = _cache(self.name, [self.pins])
        installed = directory / "installed"
        if installed.exists():
            return directory
        say(f"Installing {self.name} into {directory}")
        shutil.rmtree(directory, ignore_errors=True)
        failure = f"{self.name} can't be installed"
        # Each finds the python3.13 and the pip of a virtual environment, as its users' do.
        _run((sys.executable, "-m", "venv", str(directory)), Path(), dict(os.environ), failure)
        if self.pins.suffix == ".json":
            for file in (self.pins, self.pins.with_name("package.json")):
                shutil.copy2(file, directory)
            command: tuple[str, ...] = ("npm", "ci", "--no-audit", "--no-fund")
            _run(command, directory, dict(os.environ), failure)
        else:
            python = str(directory / "bin" / "python3.13")
            command = (python, "-m", "pip", "install", "--quiet", "-r", str(self.pins))
            _run(command, Path(), dict(os.environ), failure)
        installed.touch()
        return directory


def _run(command: tuple[str, ...], directory: Path, environment: dict[str, str], what: str) -> None:
    try:
        subprocess.run(
            command, cwd=directory, env=environment, check=True, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise CannotRun(f"{what}: {error.filename} is not on PATH") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr.strip() or error.stdout.strip()).splitlines()
        raise CannotRun(f"{what}: {lines[-1] if lines else error.returncode}") from None


SAM = Peer(
    name="AWS SAM CLI",
    pins=PROJECTS / "sam" / "requirements.txt",
    project=PROJECTS / "sam",
    sources="{function}",
    build=("sam", "build", "--cached"),
    # What `sam package` does before it uploads.
    pack=("python3.13", "pack.py"),
    zip="{function}.zip",
)
CHALICE = Peer(
    name="chalice",
    pins=PROJECTS / "chalice" / "requirements.txt",
    project=PROJECTS / "chalice",
    sources="{function}/chalicelib",
    build=("bash", "build.sh"),
    zip="{function}/packaged/deployment.zip",
)
OSLS = Peer(
    name="osls",
    pins=PROJECTS / "osls" / "package-lock.json",
    project=PROJECTS / "osls",
    sources="{function}",
    build=("osls", "package"),
    zip=".serverless/{function}-peer-dev-{function}.zip",
)
UV = Peer(
    name="uv and zip",
    pins=Path("3rdparty/launcher/uv.txt"),
    project=PROJECTS / "uv",
    sources="{function}",
    build=("bash", "build.sh"),
    zip="{function}.zip",
)
ALL = SAM, CHALICE, OSLS, UV


def zips(peer: Peer, say: Say) -> dict[str, Path]:
    """The zips of both functions, kept in the user's cache; raises CannotRun.

    All versions are pinned: the same project makes the same functions.
    """
    inputs = [
        path for folder in (peer.project, PROJECTS / "functions") for path in folder.rglob("*")
    ]
    project = _cache(f"{peer.name} project", [peer.pins, *filter(Path.is_file, sorted(inputs))])
    files = {function: project / peer.zip.format(function=function) for function in FUNCTIONS}
    if not all(file.exists() for file in files.values()):
        tool = peer.install(say)
        say(f"Packaging with {peer.name}")
        shutil.rmtree(project, ignore_errors=True)
        peer.lay_out(project)
        for command in filter(None, (peer.build, peer.pack)):
            peer.run(command, project, tool)
    return files


def _cache(name: str, inputs: list[Path]) -> Path:
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in inputs)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return cache / "sluice" / "bench" / f"{name.replace(' ', '-')}-{digest}"
