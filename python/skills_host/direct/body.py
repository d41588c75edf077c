"""Bodies of requests, read as FastAPI reads them."""

from __future__ import annotations

import email.message
import functools
import json
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from skills_host import forms
from skills_host.direct.json import loads
from skills_host.plan import internals

if TYPE_CHECKING:
    from skills_host.direct.run import Run

#: Size of a form of which no file is written to disk, in bytes.
_IN_MEMORY = 1 << 20


async def read(run: Run) -> None:
    """Reads the body of a call.

    Raises:
        RequestValidationError: It is not JSON.
        HTTPException: It cannot be read.
    """
    is_form = run.plan.body == "form"
    data = run.call.body() if run.unread is None else run.unread
    try:
        if is_form:
            run.body = run.form = await _form(run, data)
            return
        if data is None:
            data = await run.request.body()
    except HTTPException:
        raise
    except Exception as error:
        raise _unreadable() from error
    accept(run, data)


def read_now(run: Run) -> bool:
    """Reads a body that has come; false if it has not, or has to be read on the loop.

    Raises:
        RequestValidationError: It is not JSON.
        HTTPException: It cannot be read.
    """
    if run.plan.body != "form":
        data = run.call.body()
        if data is None:
            return False
        accept(run, data)
        return True
    if any(step.reads_files for step in run.plan.tree.all):
        return False
    data = run.call.body()
    if data is None:
        return False
    form = forms.parse(run.call.header("content-type"), data, **form_limits(run))
    if form is None:
        # The loop has Starlette parse it.
        run.unread = data
        return False
    run.body = run.form = form
    return True


async def _form(run: Run, data: bytes | None) -> Any:
    """Returns the form of a call; `data` is its body, if that has come."""
    limits = form_limits(run)
    if data is None:
        return await run.request.form(**limits)
    if run.unread is not None:
        return await forms.by_starlette(run.request, data, **limits)
    if len(data) > _IN_MEMORY:
        return await forms.read(run.request, data, **limits)
    form = forms.parse(run.call.header("content-type"), data, **limits)
    if form is None:
        form = await forms.by_starlette(run.request, data, **limits)
    return form


async def close(run: Run) -> None:
    """Closes the files of a call's form."""
    if run.form is not None:
        await run.form.close()


def form_limits(run: Run) -> dict[str, Any]:
    """Returns the limits of a call's form."""
    return internals.form_limits(run.plan.scope or {}, run.plan.route)


def close_now(form: Any) -> None:
    """Closes the files of a form on this thread."""
    for _, value in form.multi_items():
        if not isinstance(value, str):
            value.file.close()


def _unreadable() -> Exception:
    return HTTPException(400, "There was an error parsing the body")


def accept(run: Run, data: bytes) -> None:
    """Takes the bytes of a body that is no form."""
    run.data = data
    if not data:
        return
    run.body = data
    if not _is_json(run):
        return
    try:
        run.body = run.json = loads(data)
    except json.JSONDecodeError as error:
        detail = {
            "type": "json_invalid",
            "loc": ("body", error.pos),
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.msg},
        }
        context = internals.context(run.plan.route, run.call.method)
        raise internals.invalid([detail], error.doc, context) from error
    except Exception as error:
        raise _unreadable() from error


def _is_json(run: Run) -> bool:
    content_type = run.call.header("content-type")
    if content_type == "application/json":
        return True
    if content_type is None:
        # None, or one that is not ASCII.
        content_type = run.request.headers.get("content-type")
    if not content_type:
        return not run.plan.strict_content_type
    return _names_json(content_type)


@functools.lru_cache(64)
def _names_json(content_type: str) -> bool:
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    is_json = subtype == "json" or subtype.endswith("+json")
    return message.get_content_maintype() == "application" and is_json
