"""Whether the files of a plugin compile, before the version that serves is ended for them."""

from __future__ import annotations

import os

from skills_host.place import where_and_why
from skills_host.realm import SourceLoader


def error(files: list[str]) -> str | None:
    """Compiles files without executing them; returns file, line and reason of the first error.

    A file that is missing is none: another version may do without it. Bytecode that is new is
    kept for the import.
    """
    for file in filter(os.path.isfile, files):
        try:
            SourceLoader("__main__", file).get_code("__main__")
        except Exception as error:
            return where_and_why(error, file)
    return None
