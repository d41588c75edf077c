"""A plugin that leaves threads behind."""

from __future__ import annotations

import threading
import time

from fastapi import APIRouter

router = APIRouter()


@router.get("/leak")
def leak(count: int = 150):
    """Start threads that never end."""
    for _ in range(count):
        threading.Thread(target=time.sleep, args=(86_400,), daemon=True).start()
    return {"success": True, "data": threading.active_count()}


class LeakyPlugin:
    """A leak of threads."""

    name = "leaky"
    router = router
