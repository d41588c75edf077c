"""The interface of formatters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from skills_daemon.colors import colored


class BaseFormatter(ABC):
    """Turns results, errors and messages into text.

    Attributes:
        ICONS: Symbols by name. Subclasses extend it: `ICONS = {**BaseFormatter.ICONS, "bug": "B"}`.
    """

    ICONS: ClassVar[dict[str, str]] = {
        "success": "✓",
        "error": "✗",
        "warning": "⚠",
        "info": "ℹ",
        "bullet": "•",
        "arrow": "→",
    }

    @abstractmethod
    def format(self, data: Any) -> str:
        """Returns the text of a result: anything that JSON can express."""

    @abstractmethod
    def format_error(self, error: str, hint: str | None = None) -> str:
        """Returns the text of an error and, if there is one, of a hint what to do about it."""

    @abstractmethod
    def format_success(self, message: str, data: dict[str, Any] | None = None) -> str:
        """Returns the text of a success message; formats that can hold data append it."""

    def icon(self, name: str, fallback: str = "•") -> str:
        """Returns the symbol of this name, or the fallback."""
        return self.ICONS.get(name, fallback)

    def colorize(self, text: str, color: str) -> str:
        """Returns the text in a colour, if colours are on."""
        return colored(text, color)
