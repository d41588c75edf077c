"""Colours are written to terminals only."""

import io
import sys
from contextlib import redirect_stdout

import pytest

from skills_daemon import colors

NONE = ("", "", "", "", "", "", "")
CODES = ("\033[91m", "\033[92m", "\033[93m", "\033[96m", "\033[2m", "\033[1m", "\033[0m")


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (colors.red, "\033[91m"),
        (colors.green, "\033[92m"),
        (colors.yellow, "\033[93m"),
        (colors.cyan, "\033[96m"),
        (colors.dim, "\033[2m"),
        (colors.bold, "\033[1m"),
    ],
)
def test_each_function_writes_its_code_on_a_terminal(terminal, function, code):
    with redirect_stdout(terminal):
        assert function("text") == f"{code}text\033[0m"


def test_a_terminal_gets_the_codes(terminal):
    with redirect_stdout(terminal):
        assert colors.get_color_tuple() == CODES


def test_other_output_gets_plain_text(no_terminal):
    assert colors.red("text") == "text"
    assert colors.get_color_tuple() == NONE


def test_no_color_wins_over_a_terminal(terminal, clean_env):
    clean_env.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        assert colors.red("text") == "text"
        assert colors.get_color_tuple() == NONE


def test_an_empty_no_color_counts_as_not_set(terminal, clean_env):
    clean_env.setenv("NO_COLOR", "")
    with redirect_stdout(terminal):
        assert colors.get_color_tuple() == CODES


def test_forced_colors_win_over_everything(no_terminal, force_colors):
    no_terminal.setenv("NO_COLOR", "1")
    force_colors()
    assert colors.red("text") == "\033[91mtext\033[0m"
    force_colors(False)
    assert colors.red("text") == "text"


def test_forced_colors_work_without_standard_output(no_terminal, force_colors):
    no_terminal.setattr(sys, "stdout", None)
    assert colors.red("text") == "text"
    force_colors(True)
    assert colors.get_color_tuple() == CODES


def test_closed_standard_output_is_no_terminal(no_terminal):
    closed = io.StringIO()
    closed.close()
    no_terminal.setattr(sys, "stdout", closed)
    assert colors.red("text") == "text"


def test_an_unknown_colour_leaves_the_text(terminal):
    with redirect_stdout(terminal):
        assert colors.colored("text", "mauve") == "text"
