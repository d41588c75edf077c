"""The commands are functions: call them."""

from skills_plugin import get_greeting, tally


def test_somebody_is_greeted():
    assert get_greeting("Ada") == "Hello, Ada!"
    assert get_greeting("Ada", loud=True) == "HELLO, ADA!"


def test_words_are_counted():
    assert tally(["a", "b", "a"]) == {"a": 2, "b": 1}
    assert tally(["a", "b", "a"], least=2) == {"a": 2}
