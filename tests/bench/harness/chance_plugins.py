"""The plugins of the chance test: what lies on disk, and what each must answer."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_ROUTER = """
import asyncio
import fastapi
import skills_daemon
router = fastapi.APIRouter()

@router.get("/version")
async def version() -> dict[str, int]:
    \"\"\"Give the version on disk.\"\"\"
    {before}
    return {{"version": {version}}}

class ThePlugin:
    name = "{name}"
    router = router
"""
_FUNCTION = """
from skills_daemon.commands import command

@command(method="GET")
def version() -> dict[str, int]:
    \"\"\"Give the version on disk.\"\"\"
    return {{"version": {version}}}
"""
_TASK = """
async def tick():
    while True:
        await asyncio.sleep(0.05)

skills_daemon.background(tick)
"""
_COUNT = '(skills_daemon.data_dir() / "last").write_text("{version}")'
_BROKEN = "this is not Python\n"

KINDS = ("router", "function", "task", "data")


@dataclass
class Plugin:
    """A plugin on disk.

    Attributes:
        folder: Its package.
        is_broken: Whether its file cannot be imported.
        is_added: Whether `plugin add` added it; else it is found below `~/.claude/plugins`.
    """

    name: str
    kind: str
    folder: Path
    is_added: bool = False
    is_broken: bool = False
    version: int = 0

    @property
    def path(self) -> str:
        """The path of its route."""
        return f"/{self.name}/version"

    def write(self, version: int) -> None:
        """Writes a version that can be imported."""
        self.version, self.is_broken = version, False
        values = {"name": self.name, "version": version}
        if self.kind == "function":
            code = _FUNCTION.format(**values)
        else:
            before = _COUNT.format(**values) if self.kind == "data" else "pass"
            code = _ROUTER.format(before=before, **values)
        self._replace("manifest.json", f'{{"name": "{self.name}"}}\n')
        self._replace("__init__.py", code + (_TASK if self.kind == "task" else ""))

    def damage(self) -> None:
        """Writes a file that cannot be imported."""
        self.is_broken = True
        self._replace("__init__.py", _BROKEN)

    def remove(self) -> None:
        """Removes it from the disk."""
        shutil.rmtree(self.folder)

    def _replace(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # As most editors do it.
        staged = self.folder / f".{name}.swp"
        staged.write_text(text)
        os.replace(staged, self.folder / name)


def folder_of(home: Path, name: str) -> Path:
    """Returns where a plugin is found without a configuration."""
    place = f".claude/plugins/marketplaces/m/plugins/{name}/skills/{name}/scripts/skills_plugin"
    return home / place
