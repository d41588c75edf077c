"""Tests of what remains of a plugin that was closed: nothing."""

import atexit
import gc
import logging
import sys
import weakref

import pytest

from skills_daemon.formatters.registry import formatter_registry
from skills_host import cleanup
from skills_host.loader import load

ROUTER = """
import logging
from typing import Generic, Optional, TypeVar
from fastapi import APIRouter, Depends
from pydantic import BaseModel
T = TypeVar("T")
class Page(BaseModel, Generic[T]):
    items: list[T]
class Order(BaseModel):
    item: str = "tea"
logging.getLogger("elsewhere").addHandler(logging.NullHandler())
def given(item: str = "tea"):
    return Order(item=item)
router = APIRouter()
@router.get("/page")
async def page(order: Order = Depends(given)) -> Page[Optional[Order]]:
    return Page[Optional[Order]](items=[order])
class ThePlugin:
    name = "shop"
    router = router
"""
FUNCTIONS = """
from dataclasses import dataclass
@dataclass
class Order:
    item: str
async def order(item: str, count: int = 1) -> list[Order]:
    return [Order(item)] * count
"""


@pytest.fixture(autouse=True)
def watched(monkeypatch):
    monkeypatch.setattr(atexit, "register", atexit.register)
    monkeypatch.setattr(logging.Logger, "addHandler", logging.Logger.addHandler)
    cleanup.watch()


@pytest.mark.parametrize(
    ("code", "method", "url"),
    [(ROUTER, "GET", "/shop/page?item=tea"), (FUNCTIONS, "POST", "/shop/order")],
)
def test_nothing_of_a_closed_plugin_is_left(code, method, url, tmp_path, ask):
    file = tmp_path / "__init__.py"
    file.write_text(code)
    plugin = load(str(file), "shop", None)
    plugin.describe()
    body = {"json": {"item": "tea"}} if method == "POST" else {}
    assert ask(plugin.app, method, url, **body).status_code == 200
    own = [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("_plugin_shop")
        for value in (module, *vars(module).values())
        if value is module or getattr(value, "__module__", None) == name
    ]
    left = [weakref.ref(value) for value in own]
    assert len(left) > 2
    assert logging.getLogger("elsewhere").handlers or code is not ROUTER
    plugin.close()
    del plugin, own
    gc.collect()
    assert [ref() for ref in left if ref() is not None] == []
    assert logging.getLogger("elsewhere").handlers == []


def test_exit_functions_run_and_only_own_registrations_are_removed(tmp_path, monkeypatch):
    file = tmp_path / "__init__.py"
    file.write_text(
        "import atexit\n"
        "from skills_daemon.formatters.base import BaseFormatter\n"
        "from skills_daemon.formatters.registry import formatter_registry\n"
        "class Own(BaseFormatter): ...\n"
        "formatter_registry.register('shop', 'a', 'human', Own)\n"
        "formatter_registry.register('shop', 'b', 'human', Own)\n"
        "ended = []\n"
        "atexit.register(lambda: ended.append(1))\n"
        "def order() -> int:\n    return 1\n"
    )
    monkeypatch.setattr(formatter_registry, "_formatters", {})
    plugin = load(str(file), "shop", None)
    ended = plugin.instance.ended
    successor = type("Own", (), {})
    formatter_registry.register("shop", "b", "human", successor)
    plugin.close()
    assert ended == [1]
    assert formatter_registry._formatters == {"shop:b:human": successor}
