"""The plugin interface and the registry."""

import asyncio

import pytest
from fastapi import APIRouter

from skills_daemon.plugins import PluginRegistry, SkillPlugin, registry


class PropertyPlugin(SkillPlugin):
    @property
    def name(self):
        return "properties"

    @property
    def router(self):
        return APIRouter()


class AttributePlugin(SkillPlugin):
    name = "attributes"
    description = "Plain attributes"
    version = "2.1.0"
    router = APIRouter()

    def __init__(self):
        self.calls = []

    async def connect(self):
        self.calls.append("connect")


def test_name_and_router_are_required():
    class Nameless(SkillPlugin):
        router = APIRouter()

    class Routerless(SkillPlugin):
        name = "routerless"

    for incomplete in (SkillPlugin, Nameless, Routerless):
        with pytest.raises(TypeError, match="abstract"):
            incomplete()


def test_the_rest_has_defaults():
    plugin = PropertyPlugin()
    assert (plugin.description, plugin.version) == ("", "1.0.0")
    assert plugin.health_check() == {"status": "ok"}
    for hook in (plugin.startup, plugin.connect, plugin.reconnect, plugin.shutdown):
        assert asyncio.run(hook()) is None


def test_plain_attributes_will_do():
    plugin = AttributePlugin()
    assert (plugin.name, plugin.description, plugin.version) == (
        "attributes",
        "Plain attributes",
        "2.1.0",
    )


def test_reconnect_connects():
    plugin = AttributePlugin()
    asyncio.run(plugin.reconnect())
    assert plugin.calls == ["connect"]


def test_registered_plugins_are_found_in_order():
    plugins = PluginRegistry()
    first, second = PropertyPlugin(), AttributePlugin()
    plugins.register(first)
    plugins.register(second)
    assert plugins.get("properties") is first
    assert plugins.all() == [first, second]
    assert plugins.names() == ["properties", "attributes"]


def test_a_plugin_replaces_its_namesake():
    plugins = PluginRegistry()
    plugins.register(AttributePlugin())
    newer = AttributePlugin()
    plugins.register(newer)
    assert plugins.all() == [newer]


def test_unregister_returns_the_plugin_or_none():
    plugins = PluginRegistry()
    plugin = AttributePlugin()
    plugins.register(plugin)
    assert plugins.unregister("attributes") is plugin
    assert plugins.unregister("attributes") is None
    assert plugins.get("attributes") is None


def test_clear_returns_the_names():
    plugins = PluginRegistry()
    plugins.register(PropertyPlugin())
    plugins.register(AttributePlugin())
    assert plugins.clear() == ["properties", "attributes"]
    assert plugins.clear() == []
    assert plugins.all() == []


def test_the_process_has_one_registry():
    assert isinstance(registry, PluginRegistry)
