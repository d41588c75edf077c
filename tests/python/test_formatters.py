"""Formatters beyond the recorded calls: subclasses, the registry, data that is not JSON."""

import datetime
import json

import pytest

from skills_daemon.formatters import (
    FORMATTERS,
    AIFormatter,
    BaseFormatter,
    FormatterRegistry,
    HumanFormatter,
    JsonFormatter,
    MarkdownFormatter,
    format_response,
    formatter_registry,
    get_formatter,
    get_plugin_formatter,
)


class IssueFormatter(HumanFormatter):
    """A plugin's formatter: own symbols, own text, the rest inherited."""

    ICONS = {**HumanFormatter.ICONS, "bullet": "*", "bug": "B"}  # noqa: RUF012 as plugins write it

    def format(self, data):
        if isinstance(data, dict) and "key" in data:
            return f"{self.icon('bug')} {self.colorize(data['key'], 'cyan')}"
        return super().format(data)


class AnyFormatter(AIFormatter):
    """A plugin's formatter for all its data."""


@pytest.fixture
def registry():
    registry = FormatterRegistry()
    registry.register("tracker", "issue", "human", IssueFormatter)
    registry.register("tracker", "*", "human", AnyFormatter)
    registry.register("track", "issue", "human", AnyFormatter)
    return registry


def test_the_formats_by_name():
    assert list(FORMATTERS) == ["human", "json", "ai", "markdown"]
    for name, formatter_class in FORMATTERS.items():
        assert type(get_formatter(name)) is formatter_class
    assert type(get_formatter()) is HumanFormatter


def test_a_base_formatter_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        BaseFormatter()


def test_icons_have_a_fallback():
    assert HumanFormatter().icon("arrow") == "→"
    assert HumanFormatter().icon("bug") == "•"
    assert HumanFormatter().icon("bug", "?") == "?"


def test_a_subclass_changes_icons_and_keeps_the_rest(no_terminal):
    formatter = IssueFormatter()
    assert formatter.format({"key": "K-1"}) == "B K-1"
    assert formatter.format(["one"]) == "* one"
    assert formatter.format({"a": 1}) == "a: 1"
    assert formatter.format_success("done") == "✓ done"


def test_colorize_follows_the_colour_switch(no_terminal, force_colors):
    assert HumanFormatter().colorize("x", "red") == "x"
    force_colors()
    assert HumanFormatter().colorize("x", "red") == "\033[91mx\033[0m"


def test_the_registry_prefers_the_exact_data_type(registry):
    assert type(registry.get("tracker", "issue", "human")) is IssueFormatter
    assert type(registry.get("tracker", "issue")) is IssueFormatter


def test_the_registry_falls_back_to_the_plugin_and_then_to_the_built_in(registry):
    assert type(registry.get("tracker", "comment", "human")) is AnyFormatter
    assert type(registry.get("tracker", "issue", "json")) is JsonFormatter
    assert type(registry.get("other", "issue", "nonsense")) is HumanFormatter


def test_the_registry_gives_a_new_formatter_each_time(registry):
    assert registry.get("tracker", "issue") is not registry.get("tracker", "issue")


def test_a_registered_class_replaces_the_one_before(registry):
    registry.register("tracker", "issue", "human", AnyFormatter)
    assert type(registry.get("tracker", "issue")) is AnyFormatter


def test_unregister_returns_whether_one_was_registered(registry):
    assert registry.unregister("tracker", "issue", "human") is True
    assert registry.unregister("tracker", "issue", "human") is False
    assert type(registry.get("tracker", "issue")) is AnyFormatter


def test_a_plugin_is_listed_and_cleared_without_those_named_alike(registry):
    assert registry.list_registered("track") == ["track:issue:human"]
    assert registry.list_registered("tracker") == ["tracker:issue:human", "tracker:*:human"]
    assert registry.clear("track") == 1
    assert registry.list_registered() == ["tracker:issue:human", "tracker:*:human"]
    assert registry.clear() == 2
    assert registry.list_registered() == []


def test_a_response_uses_the_plugins_formatter_for_its_data_type(no_terminal):
    formatter_registry.register("tracker", "issue", "human", IssueFormatter)
    try:
        assert type(get_plugin_formatter("tracker", "issue")) is IssueFormatter
        wrapped = {"success": True, "data": {"key": "K-1"}}
        assert format_response(wrapped, "human", "tracker", "issue") == "B K-1"
        assert format_response(wrapped, "human", "tracker") == "key: K-1"
        assert format_response(wrapped, "human") == "key: K-1"
    finally:
        formatter_registry.clear("tracker")


def test_a_response_is_json_by_default():
    assert format_response({"success": True, "data": [1]}) == "[\n  1\n]"


def test_an_error_key_counts_even_beside_success():
    assert format_response({"success": True, "error": "odd", "data": 1}, "ai") == "ERROR: odd"


def test_json_writes_unknown_types_as_text():
    day = datetime.date(2024, 2, 29)
    assert json.loads(JsonFormatter().format({"day": day})) == {"day": "2024-02-29"}
    assert json.loads(JsonFormatter().format_success("ok", {"day": day}))["day"] == "2024-02-29"


def test_json_messages_are_ascii_and_json_results_are_not():
    assert JsonFormatter().format("é") == '"é"'
    assert "\\u00e9" in JsonFormatter().format_error("é")
    assert "\\u00e9" in JsonFormatter().format_success("é")


def test_a_label_need_not_be_text():
    records = [{"id": 1, "title": 2024}, {"id": 2, "title": ["a", "b"]}]
    assert AIFormatter().format(records) == "RESULTS: 2 items\n- 1: 2024\n- 2: ['a', 'b']"


def test_column_names_need_not_be_text():
    assert MarkdownFormatter().format([{1: "a"}]) == "| 1 |\n|---|\n| a |"


@pytest.mark.parametrize("name", FORMATTERS)
def test_a_tuple_is_not_taken_for_a_list(name):
    data = (1, 2)
    expected = json.dumps(data, indent=2) if name == "json" else "(1, 2)"
    assert get_formatter(name).format(data) == expected
