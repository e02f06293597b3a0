"""Templates, with everything escaped that a page shows, and the files that pages load."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jinja2

HERE = Path(__file__).parent
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file that a page loads; its path changes with its content, so that it can be kept."""

    path: str
    content_type: str
    body: bytes


def asset(file: Path) -> Asset:
    """The asset that a file is."""
    body = file.read_bytes()
    version = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"/assets/{file.stem}.{version}{file.suffix}", _CONTENT_TYPES[file.suffix], body)


STYLESHEET = asset(HERE / "style.css")
ICON = asset(HERE / "icon.svg")


def environment(directory: Path) -> jinja2.Environment:
    """The templates of a directory, and the layout that they extend."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([directory, HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(stylesheet=STYLESHEET.path, icon=ICON.path)
    return made
