"""What the conformance suite of the Model Context Protocol expects of a server."""

import base64
import json
import logging
import struct
import time
from pathlib import Path
from typing import Annotated, Literal

from skills_daemon import (
    Audio,
    Embedded,
    Form,
    Image,
    Message,
    Roots,
    Sample,
    form,
    progress,
    prompt,
    resource,
    roots,
    sample,
    together,
)
from skills_daemon.commands import CommandError, command

logger = logging.getLogger("conformance")

# One pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIA"
    "X8jx0gAAAABJRU5ErkJggg=="
)
# Eight thousand samples of one byte a second, none of them.
WAV = b"".join(
    [
        b"RIFF",
        (36).to_bytes(4, "little"),
        b"WAVEfmt ",
        struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8),
        b"data",
        bytes(4),
    ]
)


def _object(properties: dict[str, dict[str, object]]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


NAME = _object({"name": {"type": "string"}})
OK = _object({"ok": {"type": "boolean"}})


@command(name="test_simple_text")
def simple_text() -> str:
    """Returns a text."""
    return "This is a simple text response for testing."


@command(name="test_image_content")
def image_content() -> Image:
    """Returns an image."""
    return Image(PNG)


@command(name="test_audio_content")
def audio_content() -> Audio:
    """Returns a sound."""
    return Audio(WAV)


@command(name="test_embedded_resource")
def embedded_resource() -> Embedded:
    """Returns a document."""
    return Embedded("test://embedded-resource", "This is an embedded resource content.")


@command(name="test_multiple_content_types")
def multiple_content_types() -> list[str | Image | Embedded]:
    """Returns a text, an image and a document."""
    document = json.dumps({"test": "data", "value": 123})
    return [
        "Multiple content types test:",
        Image(PNG),
        Embedded("test://mixed-content-resource", document, "application/json"),
    ]


@command(name="test_error_handling")
def error_handling() -> None:
    """Always fails."""
    raise CommandError("This tool intentionally returns an error for testing")


@command(name="test_tool_with_logging")
def tool_with_logging() -> str:
    """Logs three records."""
    logger.info("Tool execution started")
    time.sleep(0.05)
    logger.info("Tool processing data")
    time.sleep(0.05)
    logger.info("Tool execution completed")
    return "logged"


@command(name="test_logging_tool")
def logging_tool() -> str:
    """Logs a record."""
    logger.info("Log message during the call")
    return "logged"


@command(name="test_tool_with_progress")
def tool_with_progress() -> str:
    """Shows progress."""
    with progress(100, "Working") as bar:
        for _ in range(2):
            time.sleep(0.06)
            bar.advance(50)
    return "done"


@command(name="test_sampling")
def sampling(prompt: str) -> str:
    """Has the caller's language model write a text."""
    return f"LLM response: {sample(prompt, max_tokens=100)}"


@command(name="test_missing_capability")
def missing_capability() -> str:
    """Needs the caller's language model."""
    return sample("Hello", max_tokens=10)


@command(name="test_elicitation")
def elicitation(message: str) -> str:
    """Asks the person for a name and an address."""
    fields = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return f"User response: {json.dumps(form(message, _object(fields)))}"


@command(name="test_elicitation_sep1034_defaults")
def elicitation_defaults() -> str:
    """Asks for values with defaults."""
    fields: dict[str, dict[str, object]] = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    }
    answer = form("About you", {"type": "object", "properties": fields})
    return f"Elicitation completed: action=accept, content={json.dumps(answer)}"


@command(name="test_elicitation_sep1330_enums")
def elicitation_enums() -> str:
    """Asks for choices of all kinds."""
    options = ["option1", "option2", "option3"]

    def titled(*titles: str) -> list[dict[str, str]]:
        return [{"const": f"value{at + 1}", "title": title} for at, title in enumerate(titles)]

    fields: dict[str, dict[str, object]] = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {
            "type": "string",
            "oneOf": titled("First Option", "Second Option", "Third Option"),
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {
            "type": "array",
            "items": {"anyOf": titled("First Choice", "Second Choice", "Third Choice")},
        },
    }
    answer = form("Choose", {"type": "object", "properties": fields})
    return f"Elicitation completed: action=accept, content={json.dumps(answer)}"


@command(name="test_streaming_elicitation")
def streaming_elicitation() -> str:
    """Asks for a name while it goes on."""
    return f"Hello, {form('What is your name?', NAME, key='user_name')['name']}!"


@command(name="test_reconnection")
def reconnection() -> str:
    """Takes a while."""
    time.sleep(0.5)
    return "Reconnection test completed"


@command(name="test_input_required_result_elicitation")
def required_elicitation() -> str:
    """Asks for a name."""
    return f"Hello, {form('What is your name?', NAME, key='user_name')['name']}!"


@command(name="test_input_required_result_sampling")
def required_sampling() -> str:
    """Asks the caller's language model."""
    return sample("What is the capital of France?", max_tokens=100, key="capital_question")


@command(name="test_input_required_result_list_roots")
def required_roots() -> str:
    """Asks for the caller's folders."""
    return f"Folders: {', '.join(roots(key='client_roots'))}"


@command(name="test_input_required_result_request_state")
def required_state() -> str:
    """Asks for a confirmation."""
    answer = form("Please confirm", OK, key="confirm")
    return f"state-ok: {answer['ok']}"


@command(name="test_input_required_result_multiple_inputs")
def required_several() -> str:
    """Asks for a name, a greeting and folders at once."""
    name, greeting, folders = together(
        Form("What is your name?", NAME, "user_name"),
        Sample("Generate a greeting", 50, key="greeting"),
        Roots("client_roots"),
    )
    return f"{greeting} {name['name']} in {folders}"


@command(name="test_input_required_result_multi_round")
def required_rounds() -> str:
    """Asks for a name, and then for a colour."""
    name = form("Step 1: What is your name?", NAME, key="step1")["name"]
    colour = _object({"color": {"type": "string"}})
    answer = form("Step 2: What is your favorite color?", colour, key="step2")
    return f"{name} likes {answer['color']}"


@command(name="test_input_required_result_tampered_state")
def required_untampered() -> str:
    """Asks for a confirmation."""
    return f"confirmed: {form('Please confirm', OK, key='confirm')['ok']}"


@command(name="test_input_required_result_capabilities")
def required_capabilities() -> str:
    """Asks for what the caller can answer."""
    name, greeting = together(
        Form("What is your name?", NAME, "user_name"),
        Sample("Generate a greeting", 50, key="greeting"),
    )
    return f"{greeting or 'Hello'} {name['name'] if name else ''}"


def _changed(name: str, code: str) -> str:
    """Adds a function to this file, or takes it out again; the daemon loads the plugin again."""
    file = Path(__file__)
    text = file.read_text()
    mark = f"\n\n# {name}\n"
    before, found, _ = text.partition(mark)
    file.write_text(before if found else f"{text}{mark}{code}")
    return "changed"


@command(name="test_trigger_tool_change")
def trigger_tool_change() -> str:
    """Adds a tool, or takes it out again."""
    code = '@command(name="test_added_tool")\ndef added_tool() -> str:\n    return "added"\n'
    return _changed("added tool", code)


@command(name="test_trigger_prompt_change")
def trigger_prompt_change() -> str:
    """Adds a prompt, or takes it out again."""
    code = '@prompt\ndef test_added_prompt() -> str:\n    return "added"\n'
    return _changed("added prompt", code)


@resource("test://static-text", media_type="text/plain")
def static_text() -> str:
    """A text that does not change."""
    return "This is the content of the static text resource."


@resource("test://static-binary", media_type="image/png")
def static_binary() -> bytes:
    """Bytes that do not change."""
    return PNG


@resource("test://template/{id}/data", media_type="application/json")
def template(id: str) -> str:
    """The data of an id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


@resource("test://watched-resource", media_type="text/plain")
def watched() -> str:
    """A text that may be watched."""
    return "Watched resource content"


@prompt
def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


@prompt
def test_prompt_with_arguments(
    arg1: Annotated[str, "First argument"], arg2: Annotated[str, "Second argument"]
) -> str:
    """A prompt with two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@prompt
def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:
    """A prompt with a document."""
    document = Embedded(resourceUri, "Embedded resource content for testing.")
    return [Message(document), Message("Please process the embedded resource above.")]


@prompt
def test_prompt_with_image() -> list[Message]:
    """A prompt with an image."""
    return [Message(Image(PNG)), Message("Please analyze the image above.")]


@prompt
def test_input_required_result_prompt(
    style: Annotated[Literal["short", "long"], "How it is written"] = "short",
) -> str:
    """A prompt that asks for its topic."""
    topic = _object({"context": {"type": "string"}})
    answer = form("What context should the prompt use?", topic, key="user_context")
    return f"A {style} prompt about {answer.get('context')}"
