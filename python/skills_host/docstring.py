"""The parts of a docstring: Google, NumPy and Sphinx style."""

from __future__ import annotations

import inspect
import re

#: Start of a section on parameters, in any style. Parsing costs an import that few plugins need.
_PARAMETERS = re.compile(r"^\s*(?:(?:Args|Arguments|Parameters|Params):?\s*$|[:@]param\b)", re.M)


class Docstring:
    """The parts of a docstring.

    Args:
        text: The whole docstring, with any indentation.

    Attributes:
        summary: Its first sentence or paragraph.
        text: All but the sections on parameters, results and exceptions; examples come last.
        parameters: Help by parameter, on one line each.
    """

    def __init__(self, text: str) -> None:
        import docstring_parser

        parsed = docstring_parser.parse(inspect.cleandoc(text))
        self.summary = parsed.short_description or ""
        self.parameters = {
            each.arg_name.lstrip("*"): " ".join((each.description or "").split())
            for each in parsed.params
        }
        parts = [self.summary]
        if parsed.long_description:
            parts.append(parsed.long_description)
        examples = [f"{each.snippet or ''}\n{each.description or ''}" for each in parsed.examples]
        lines = [line.strip() for each in examples for line in each.splitlines() if line.strip()]
        if lines:
            parts.append("Examples:\n" + "\n".join(f"    {line}" for line in lines))
        self.text = "\n\n".join(parts)


def has_parameters(text: str) -> bool:
    """Returns true if the docstring seems to have a section on parameters."""
    return _PARAMETERS.search(text) is not None
