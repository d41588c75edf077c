"""Routes whose work is their answer: models, texts, streams, files, statuses, tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, BackgroundTasks, HTTPException
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel

router = APIRouter()

ROWS = [
    {
        "id": number,
        "key": f"PROJ-{number}",
        "ratio": number / 8,
        "done": number % 3 == 0,
        "assignee": f"user{number % 7}" if number % 2 == 0 else None,
    }
    for number in range(1000)
]


class Issue(BaseModel):
    """A row as a model."""

    id: int
    key: str
    ratio: float
    done: bool
    assignee: str | None = None


ISSUES = [Issue.model_validate(row) for row in ROWS[:100]]
#: A file of 64 KiB, which the harness writes.
FILE = Path.home() / "page.txt"


@router.get("/rows")
async def rows():
    """Give 1,000 rows."""
    return {"success": True, "data": ROWS}


@router.get("/typed-rows")
async def typed_rows() -> dict[str, Any]:
    """Give 1,000 rows with a result type: FastAPI validates, and newer ones let pydantic write."""
    return {"success": True, "data": ROWS}


@router.get("/issues", response_model=list[Issue])
async def issues():
    """Give 100 models."""
    return ISSUES


@router.get("/text", response_class=PlainTextResponse)
async def text(word: str = "abc"):
    """Give a text."""
    return f"The word is {word}.\n"


async def _chunks() -> AsyncIterator[bytes]:
    for number in range(50):
        yield b"chunk %d of fifty, and some more text to send\n" % number


@router.get("/stream")
async def stream():
    """Give 50 pieces, one after the other."""
    return StreamingResponse(_chunks(), media_type="text/plain")


@router.get("/file", response_class=FileResponse)
async def file():
    """Give a file."""
    return FileResponse(FILE)


@router.get("/missing/{key}")
async def missing(key: str):
    """Raise an exception that is an answer."""
    raise HTTPException(404, f"no issue {key}")


@router.get("/redirect")
async def redirect():
    """Send the client elsewhere."""
    return RedirectResponse("/bench/text")


_done: list[str] = []


def _note(word: str) -> None:
    _done[:] = [word]


@router.post("/task/{word}")
async def task(word: str, tasks: BackgroundTasks):
    """Leave work for after the answer."""
    tasks.add_task(_note, word)
    return {"success": True, "data": word}
