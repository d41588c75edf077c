"""A plugin that ends the process by a segmentation fault."""

from __future__ import annotations

import ctypes

from fastapi import APIRouter

router = APIRouter()


@router.get("/crash")
def crash():
    """Read at address 0."""
    return ctypes.string_at(0)


class SegfaultPlugin:
    """A segmentation fault."""

    name = "segfault"
    router = router
