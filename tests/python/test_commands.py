"""`skills_daemon.commands`: marks of functions, and errors for users."""

import functools

import pytest

from skills_daemon.commands import CommandError, Mark, command, mark_of


def test_a_marked_function_stays_as_it_is():
    def double(number: int) -> int:
        return 2 * number

    assert command(double) is double
    assert command(name="twice", method="GET")(double) is double
    assert double(2) == 4


def test_a_mark_has_the_name_and_method_that_were_given():
    @command
    def plain(): ...

    @command()
    def called(): ...

    @command(name="other", method="POST")
    def both(): ...

    assert mark_of(plain) == mark_of(called) == Mark(name=None, method=None)
    assert mark_of(both) == Mark(name="other", method="POST")


def test_what_is_not_marked_has_no_mark():
    class Anything:
        """Has every attribute, as mocks and proxies do."""

        def __getattr__(self, name):
            return "something"

    assert mark_of(lambda: None) is None
    assert mark_of(Anything()) is None


def test_the_mark_survives_a_decorator_that_wraps():
    def logged(function):
        @functools.wraps(function)
        def wrapper():
            return function()

        return wrapper

    @logged
    @command(name="inner")
    def function(): ...

    assert mark_of(function) == Mark("inner")


@pytest.mark.parametrize("method", ["PUT", "get", "", 1])
def test_another_method_is_refused_where_it_is_written(method):
    with pytest.raises(ValueError, match="must be 'GET' or 'POST', not"):
        command(method=method)


def test_an_error_has_message_hint_and_status():
    error = CommandError("No such issue", hint="Try `list`.", status=404)
    assert (str(error), error.hint, error.status) == ("No such issue", "Try `list`.", 404)


def test_an_error_needs_no_more_than_a_message():
    error = CommandError("No such issue")
    assert (str(error), error.hint, error.status) == ("No such issue", None, 400)
    with pytest.raises(Exception, match="No such issue"):
        raise error
