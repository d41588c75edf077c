"""Results and functions for agents: what the daemon answers with them."""

import json
from types import ModuleType, SimpleNamespace

import pytest

from skills_daemon import Audio, Embedded, Image, Link, Message, prompt, resource
from skills_daemon.commands import command
from skills_host.functions import media
from skills_host.functions.discover import commands, offered
from skills_host.functions.plugin import FunctionsPlugin


def test_an_image_or_sound_alone_is_the_bytes_of_the_answer():
    for result, kind in ((Image(b"x"), b"image/png"), (Audio(b"x", "audio/ogg"), b"audio/ogg")):
        answer = media.encoded(result)
        assert (answer.body, answer.kind, answer.headers) == (b"x", kind, ())


def test_a_list_with_media_is_content_blocks():
    link = Link("a://b", "b", description="B")
    answer = media.encoded(["text", Image(b"x"), Embedded("n://a", b"x"), link, {"a": 1}])
    assert answer.headers == ((b"x-skills-content", b"blocks"),)
    assert json.loads(answer.body) == [
        {"type": "text", "text": "text"},
        {"type": "image", "data": "eA==", "mimeType": "image/png"},
        {
            "type": "resource",
            "resource": {"uri": "n://a", "mimeType": "application/octet-stream", "blob": "eA=="},
        },
        {"type": "resource_link", "uri": "a://b", "name": "b", "description": "B"},
        {"type": "text", "text": '{"a":1}'},
    ]


def test_messages_are_json_with_the_role_of_each():
    answer = media.encoded(["first", Message("second", "assistant")])
    assert json.loads(answer.body) == [
        {"role": "user", "content": {"type": "text", "text": "first"}},
        {"role": "assistant", "content": {"type": "text", "text": "second"}},
    ]
    assert answer.headers == ()
    assert json.loads(media.encoded(Message("x")).body)[0]["role"] == "user"


@pytest.mark.parametrize("result", ["text", b"x", ["a"], [], {"a": Image(b"x")}, None])
def test_other_results_are_left_to_others(result):
    assert media.encoded(result) is None


def _module(**functions):
    module = ModuleType("notes")
    for name, function in functions.items():
        function.__module__ = "notes"
        setattr(module, name, function)
    return module


def test_resources_and_prompts_are_no_commands():
    @resource("notes://{name}", media_type="text/markdown")
    def note(name: str) -> str:
        """A note."""
        return name

    @prompt(name="to-review")
    def review(text: str) -> str:
        return text

    def plain() -> str:
        return ""

    module = _module(plain=plain, note=note, review=review)
    assert [found.name for found in commands(module)] == ["plain"]
    assert [found.name for found in offered(module)] == ["note", "to-review"]
    realm = SimpleNamespace(close=lambda: None)
    plugin = FunctionsPlugin(realm, module, "notes", commands(module) + offered(module))
    described = json.loads(plugin.describe())
    assert list(described["openapi"]["paths"]) == ["/notes/plain"]
    assert [offer["purpose"] for offer in described["offered"]] == [
        {"resource": {"uri": "notes://{name}", "mime_type": "text/markdown"}},
        "prompt",
    ]
    paths = [list(offer["openapi"]["paths"]) for offer in described["offered"]]
    assert paths == [["/notes/-resources/note"], ["/notes/-prompts/to-review"]]
    assert described["routes"][0]["path"] == "/plain"


def test_a_marked_command_and_a_resource_are_both_there():
    @command
    def go() -> str:
        return ""

    @resource("notes://today")
    def today() -> str:
        return ""

    module = _module(go=go, today=today)
    assert [found.name for found in commands(module)] == ["go"]
    assert [found.name for found in offered(module)] == ["today"]


def test_a_uri_has_a_scheme():
    with pytest.raises(ValueError, match="'today' is no URI"):
        resource("today")
