"""The hooks of a plugin, each with its limit: `startup`, `connect`, `shutdown`, `health_check`."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from skills_host.place import where_and_why

logger = logging.getLogger("skills_host.hooks")


async def run(instance: object, name: str, limit: float) -> str | None:
    """Runs the hook `name`, if the plugin has it, for `limit` seconds; returns its failure."""
    hook = getattr(instance, name, None)
    if hook is None:
        return None
    try:
        outcome = hook()
        if inspect.isawaitable(outcome):
            await asyncio.wait_for(_awaited(outcome), limit)
    except asyncio.TimeoutError:
        logger.error("%s() did not return in %g s and was cancelled", name, limit)
        return f"{name}() did not return in {limit:g} s"
    except Exception as error:
        logger.warning("%s() failed", name, exc_info=True)
        return f"{name}() failed: {where_and_why(error)}"
    return None


async def health(instance: object, limit: float) -> str:
    """Returns the result of `health_check()` as a JSON object with at least `status`."""
    check = getattr(instance, "health_check", None)
    if check is None:
        return json.dumps({"status": "ok"})
    try:
        health = await asyncio.wait_for(_checked(check), limit)
    except asyncio.TimeoutError:
        health = {
            "status": "timeout",
            "error": f"health_check() did not return in {limit:g} s",
        }
    except Exception as error:
        health = {"status": "error", "error": str(error)}
    if not isinstance(health, dict):
        health = {"status": str(health)}
    return json.dumps(health, default=str)


async def _checked(check: Callable[[], Any]) -> Any:
    if inspect.iscoroutinefunction(check):
        return await check()
    # It may call a remote server: that must not hold up the plugin's requests.
    outcome = await asyncio.to_thread(check)
    return await outcome if inspect.isawaitable(outcome) else outcome


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
