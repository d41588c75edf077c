"""Routes of plugin-name."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

router = APIRouter()


class Words(BaseModel):
    """A request body: its fields are the command's options."""

    words: list[str] = Field(description="What is counted")
    least: int = Field(1, description="Leave out words that are rarer")


@router.get("/greeting/{name}")
def greeting(
    name: str,
    loud: bool = Query(False, description="In capitals"),
) -> dict[str, Any]:
    """Greet somebody.

    Examples:
        plugin-name greeting Ada --loud
    """
    text = f"Hello, {name}!"
    return {"success": True, "data": text.upper() if loud else text}


@router.post("/tally")
def tally(body: Words) -> dict[str, Any]:
    """Count words.

    Examples:
        plugin-name tally --words a --words b --words a --least 2
    """
    counted = Counter(body.words).items()
    return {"success": True, "data": {word: n for word, n in counted if n >= body.least}}


class Plugin:
    """The plugin: a class whose name ends in `Plugin`, with a name and a router."""

    name = "plugin-name"
    description = "Purpose of plugin-name in one line"
    version = "0.1.0"
    router = router
