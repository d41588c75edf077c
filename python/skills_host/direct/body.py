"""Bodies of requests, read as FastAPI reads them."""

from __future__ import annotations

import email.message
import functools
import json
from typing import TYPE_CHECKING, Any

from skills_host.plan import internals

if TYPE_CHECKING:
    from skills_host.direct.run import Run


async def read(run: Run) -> None:
    """Reads the body of a call.

    Raises:
        RequestValidationError: It is not JSON.
        HTTPException: It cannot be read.
    """
    if run.plan.body == "form":
        await _form(run)
        return
    data = run.call.body()
    if data is None:
        from starlette.exceptions import HTTPException

        try:
            data = await run.request.body()
        except Exception as error:
            raise HTTPException(400, "There was an error parsing the body") from error
    accept(run, data)


def read_now(run: Run) -> bool:
    """Reads a JSON body that has come; false if it has not, or may have to be waited for.

    Raises:
        RequestValidationError: It is not JSON.
        HTTPException: It cannot be read.
    """
    if run.plan.body == "form":
        return False
    data = run.call.body()
    if data is None:
        return False
    accept(run, data)
    return True


def accept(run: Run, data: bytes) -> None:
    """Takes the bytes of a body that is no form."""
    run.data = data
    if not data:
        return
    run.body = data
    if not _is_json(run):
        return
    try:
        run.body = run.json = json.loads(data)
    except json.JSONDecodeError as error:
        detail = {
            "type": "json_invalid",
            "loc": ("body", error.pos),
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.msg},
        }
        context = internals.context(run.plan.route, run.call.method)
        raise internals.not_json(detail, error.doc, context) from error
    except Exception as error:
        from starlette.exceptions import HTTPException

        raise HTTPException(400, "There was an error parsing the body") from error


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


async def _form(run: Run) -> None:
    from starlette.exceptions import HTTPException

    request = run.request
    try:
        limits = internals.form_limits(run.scope, run.plan.route)
        run.body = run.form = await request.form(**limits)
    except HTTPException:
        raise
    except Exception as error:
        raise HTTPException(400, "There was an error parsing the body") from error
    files = run.stacks[0]
    files.push_async_callback(run.form.close)
