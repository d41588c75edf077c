"""Writes `docs/sdk.md`, the reference of the Python SDK, from its docstrings.

`python docs/sdk.py` writes it, `python docs/sdk.py --check` fails if it is old. Needs `griffelib`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "sdk.md"
INTRODUCTION = """\
# The Python SDK

What commands import, in the order in which it is needed most. Nothing of it has to be imported: a
function without any of it is a command. This page is made from the docstrings by `docs/sdk.py`.
"""
#: Names by the module from which they are imported.
CONTENTS = {
    "skills_daemon": [
        "caller",
        "Caller",
        "Terminals",
        "progress",
        "Progress",
        "ask",
        "confirm",
        "choose",
        "secret",
        "form",
        "sample",
        "roots",
        "together",
        "Form",
        "Sample",
        "Roots",
        "run",
        "span",
        "Span",
        "background",
        "Background",
        "data_dir",
        "settings",
        "stored_secret",
        "Secret",
        "resource",
        "prompt",
        "Message",
        "Image",
        "Audio",
        "Embedded",
        "Link",
    ],
    "skills_daemon.commands": ["command", "CommandError"],
}


def page() -> str:
    """Returns the text of the page."""
    package = griffe.load(
        "skills_daemon", search_paths=[ROOT / "python"], docstring_parser="google"
    )
    lines = [INTRODUCTION]
    for module, names in CONTENTS.items():
        lines += [f"## `{module}`", ""]
        members = package if module == "skills_daemon" else package[module.partition(".")[2]]
        for name in names:
            found = members["callers.Terminals"] if name == "Terminals" else members[name]
            lines += _object(found.final_target if found.is_alias else found, "###")
    # At most one empty line between two paragraphs.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _object(found: griffe.Object, heading: str) -> Iterator[str]:
    yield f"{heading} `{found.name}`"
    yield ""
    yield from _signatures(found)
    if found.docstring is not None:
        for section in found.docstring.parse("google"):
            yield from _section(section)
    for name, member in found.members.items() if found.is_class else ():
        is_shown = member.is_function or member.has_labels("property")
        if is_shown and not name.startswith("_") and member.docstring is not None:
            first = member.docstring.value.replace("\n", " ").split(". ")[0].rstrip(".")
            call = name if member.has_labels("property") else f"{name}({_parameters(member)})"
            yield f"- `{call}`: {first}."
    yield ""


def _signatures(found: griffe.Object) -> Iterator[str]:
    if not isinstance(found, griffe.Function):
        return
    yield "```python"
    for one in found.overloads or [found]:
        result = f" -> {one.returns}" if one.returns else ""
        yield f"{found.name}({_parameters(one)}){result}"
    yield "```"
    yield ""


def _parameters(function: griffe.Function) -> str:
    shown = []
    has_star = False
    for parameter in function.parameters:
        if parameter.name == "self":
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and not has_star:
            shown.append("*")
            has_star = True
        text = parameter.name
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None:
            text += f" = {parameter.default}"
        shown.append(text)
    return ", ".join(shown)


def _section(section: griffe.DocstringSection) -> Iterator[str]:
    if section.kind is griffe.DocstringSectionKind.text:
        yield section.value
        yield ""
        return
    for item in section.value:
        text = item.description.replace("\n", " ")
        if section.kind is griffe.DocstringSectionKind.raises:
            yield f"- raises `{item.annotation}`: {text}"
        else:
            yield f"- `{item.name}`: {text}"
    yield ""


if __name__ == "__main__":
    text = page()
    if "--check" not in sys.argv:
        TARGET.write_text(text)
    elif not TARGET.is_file() or TARGET.read_text() != text:
        sys.exit("docs/sdk.md is old: run `python docs/sdk.py`")
