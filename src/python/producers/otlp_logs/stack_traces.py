"""From the text of a stack trace, as Python, Node.js and the JVM write it, to frames.

Sources: "traceback", Python library reference; "Stack trace API", V8 documentation;
"Throwable.printStackTrace", Java API specification.
"""

import re
from collections.abc import Callable
from typing import Any

# A text is of one language; the first whose frames are found in it is taken.
_PYTHON_FRAME = re.compile(
    r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d+), in (?P<function>.+)'
    r"(?:\n    (?P<code>\S.*))?",
    re.MULTILINE,
)
_PYTHON_CHAIN = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n\n"
)
_PYTHON_START = "Traceback (most recent call last):\n"
_NODE_FRAME = re.compile(
    r"^ {4}at (?:(?P<function>[^\n(]+?) \()?(?:file://)?(?P<file>[^\n()]+?)"
    r":(?P<line>\d+):\d+\)?$",
    re.MULTILINE,
)
_JVM_FRAME = re.compile(
    r"^\s+at (?:[\w.@-]+/)*(?P<module>[\w.$]+)\.(?P<function>[\w$<>]+)"
    r"\((?P<file>[^:()\n]+)(?::(?P<line>\d+))?\)$",
    re.MULTILINE,
)
_JVM_CHAIN = re.compile(r"\nCaused by: ")
_TYPE_AND_MESSAGE = re.compile(r"(?P<type>[\w.$]+)(?:: (?P<message>.*))?", re.DOTALL)

type Frames = list[dict[str, Any]]


def parse(text: str) -> tuple[Frames, list[dict[str, Any]]] | None:
    """The frames of the exception, outermost first, and its causes, nearest first.

    None where the text is not understood.
    """
    text = text.replace("\r\n", "\n")
    if text.count(_PYTHON_START) == len(_PYTHON_CHAIN.findall(text)) + 1:
        # The cause comes first.
        return _parsed(_PYTHON_CHAIN.split(text)[::-1], _python_frames, _python_end)
    if _JVM_FRAME.search(text):
        return _parsed(_JVM_CHAIN.split(text), _jvm_frames, _beginning)
    if _NODE_FRAME.search(text):
        return _parsed([text], _node_frames, _beginning)
    return None


def _parsed(
    parts: list[str], frames: Callable[[str], Frames], head: Callable[[str], str]
) -> tuple[Frames, list[dict[str, Any]]] | None:
    raised, *causes = [(head(part), frames(part)) for part in parts]
    named = [(_TYPE_AND_MESSAGE.match(title), stack) for title, stack in causes]
    return raised[1], [
        {"type": title["type"], "message": title["message"] or "", "stack": stack}
        for title, stack in named
        if title is not None
    ]


def _python_frames(part: str) -> Frames:
    return [_frame(match) for match in _PYTHON_FRAME.finditer(part)]


def _python_end(part: str) -> str:
    """What follows the frames: the first line that is not indented."""
    lines = part.rstrip("\n").split("\n")
    after = 1 + max((n for n, line in enumerate(lines) if line.startswith("  ")), default=0)
    return "\n".join(lines[after:])


def _jvm_frames(part: str) -> Frames:
    return [_frame(match) | {"module": match["module"]} for match in _JVM_FRAME.finditer(part)][
        ::-1
    ]


def _node_frames(part: str) -> Frames:
    return [
        _frame(match) | {"in_application": not _is_of_node(match["file"])}
        for match in _NODE_FRAME.finditer(part)
    ][::-1]


def _is_of_node(file: str) -> bool:
    return file.startswith("node:") or "/node_modules/" in file.replace("\\", "/")


def _beginning(part: str) -> str:
    """What precedes the frames."""
    return re.split(r"\n\s+at ", part, maxsplit=1)[0]


def _frame(match: re.Match[str]) -> dict[str, Any]:
    given = match.groupdict()
    line = int(given["line"] or 0)
    return {
        "file": given["file"],
        "function": given["function"] or "<anonymous>",
        "line": line if 0 < line < 2**31 else None,
        "code": given.get("code"),
    }
