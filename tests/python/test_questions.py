"""Questions of commands: who is asked, and what is taken where no one can be."""

import asyncio
import json
import sys

import pytest

from skills_daemon import (
    Form,
    Roots,
    Sample,
    ask,
    choose,
    confirm,
    form,
    questions,
    roots,
    sample,
    secret,
    together,
)
from skills_daemon._call import current
from skills_daemon.commands import CommandError


class Call:
    """A call whose caller gives prepared answers."""

    cancelled = False

    def __init__(self, *answers):
        self.answers = bool(answers)
        self.asked = []
        self._left = list(answers)

    @property
    def console(self):
        """One object stands for both."""
        return self

    def ask(self, questions):
        return [self._answer(question) for question in questions]

    def _answer(self, question):
        self.asked.append(json.loads(question))
        answer = self._left.pop(0)
        if answer is KeyboardInterrupt:
            self.cancelled = True
            return None
        return answer


@pytest.fixture
def calling():
    """Makes the call whose code runs."""
    tokens = []

    def make(*answers):
        call = Call(*answers)
        tokens.append(current.set(call))
        return call

    yield make
    for token in reversed(tokens):
        current.reset(token)


def test_the_caller_is_asked_and_each_question_has_a_number_of_its_own(calling):
    call = calling("Ada", "yes", "no", "b", "word")
    assert ask("Name", "Eve") == "Ada"
    assert [confirm("Sure?"), confirm("Sure?", True)] == [True, False]
    assert choose("Which", ["a", "b"], "a") == "b"
    assert secret("Word") == "word"
    assert len({question["number"] for question in call.asked}) == 5
    asked = [(question["asks"], question["default"]) for question in call.asked]
    assert asked == [
        ("text", "Eve"),
        ("confirmation", None),
        ("confirmation", "yes"),
        ({"choice": ["a", "b"]}, "a"),
        ("secret", None),
    ]


def test_a_caller_that_goes_ends_the_function(calling):
    calling(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        ask("Name")


def test_an_input_that_ends_is_no_answer(calling):
    calling(None)
    with pytest.raises(CommandError, match=r"^Name: no answer was given$"):
        ask("Name:")


def test_without_a_terminal_the_default_counts_or_the_option_is_named(calling):
    calling()
    assert ask("Name", "Eve") == "Eve"
    assert confirm("Sure?", False) is False
    assert choose("Which", ["a"], "a") == "a"
    with pytest.raises(CommandError, match=r"^Word: there is no terminal to ask at$") as caught:
        secret("Word", option="--word")
    assert caught.value.hint == "Give --word."


def test_a_default_is_one_of_the_choices():
    for choices in ([], ["a"]):
        with pytest.raises(ValueError, match="none of the choices"):
            choose("Which", choices, "b")


def test_a_loop_is_never_blocked(calling):
    calling("Ada", "Eve")

    async def both():
        with pytest.raises(RuntimeError, match="to_thread"):
            ask("Name", "x")
        return await asyncio.to_thread(ask, "Name")

    assert asyncio.run(both()) == "Ada"


def test_outside_the_daemon_the_terminal_of_the_process_is_asked(monkeypatch):
    monkeypatch.delitem(sys.modules, "_skills_host", raising=False)
    monkeypatch.setattr(questions, "_has_terminal", lambda: True)
    monkeypatch.setattr(questions.getpass, "getpass", lambda prompt: prompt)
    typed = iter(["", "maybe", "Y", "c", "b"])
    prompts = []
    monkeypatch.setattr("builtins.input", lambda prompt: prompts.append(prompt) or next(typed))
    assert ask("Name", "Eve") == "Eve"
    assert confirm("Sure?") is True
    assert choose("Which", ["a", "b"]) == "b"
    assert secret("Word") == "Word:"
    assert prompts[:2] == ["Name [Eve]: ", "Sure? [y/n]: "]


def test_an_option_names_the_question_and_the_remedy(calling):
    call = calling(None)
    with pytest.raises(CommandError, match="no answer was given") as caught:
        ask("Branch", option="--branch")
    assert (call.asked[0]["key"], caught.value.hint) == ("branch", "Give --branch.")


def test_several_questions_are_asked_together(calling):
    message = {"role": "assistant", "content": {"type": "text", "text": "Hi"}}
    call = calling('{"a": 1}', json.dumps(message), '[{"uri": "file:///w"}]')
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    answers = together(Form("Say", schema, "said"), Sample("Greet", 9, "a poet"), Roots())
    assert answers == [{"a": 1}, "Hi", ["file:///w"]]
    assert [question["more"] for question in call.asked] == [True, True, False]
    asked = [question["asks"] for question in call.asked]
    content = {"type": "text", "text": "Greet"}
    assert asked == [
        {"form": schema},
        {
            "sample": {
                "messages": [{"role": "user", "content": content}],
                "maxTokens": 9,
                "systemPrompt": "a poet",
            }
        },
        "roots",
    ]
    assert call.asked[0]["key"] == "said"


def test_what_cannot_be_answered_is_none_or_an_error(calling):
    calling(None, None, None, None)
    assert together(Roots()) == [None]
    with pytest.raises(CommandError, match=r"^Say: no answer was given$"):
        form("Say", {})
    with pytest.raises(CommandError, match="no language model"):
        sample("Greet")
    with pytest.raises(CommandError, match="folders"):
        roots()


def test_without_a_caller_that_answers_there_is_no_answer(calling):
    calling()
    assert together(Roots(), Form("Say", {})) == [None, None]


def test_a_caller_that_goes_while_several_are_asked_ends_the_function(calling):
    calling(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        form("Say", {})
