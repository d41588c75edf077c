"""Traced calls: the span of the handler becomes the current one of the OpenTelemetry API."""

from __future__ import annotations

import logging
import sys
from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _skills_host import Call

logger = logging.getLogger("skills_host.traces")


def enter(context: Context, call: Call) -> None:
    """Prepares the context of a traced call; it never fails."""
    if "opentelemetry.trace" not in sys.modules:
        return
    try:
        from skills_host import otel

        context.run(otel.adopt, call)
    except Exception:
        # Of a version of the API that is not known, or one that is being imported.
        logger.debug("spans of OpenTelemetry are not in the trace", exc_info=True)
