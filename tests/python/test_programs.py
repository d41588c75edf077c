"""Commands that are programs: which read their words themselves, and how they are run."""

import sys

import pytest

from skills_host import program
from skills_host.functions import programs
from skills_host.realm import Realm

CODE = '''
"""Programs."""

import sys


def bare():
    """Run it.

    More about it.
    """
    return sys.argv


def words(argv=None):
    return len(sys.argv)


def typed(name: str, times: int = 1):
    """Repeat.

    Args:
        name: What.
    """
    print(name * times)


async def later(flag: bool = False):
    return 7 if flag else None


def other(*rest):
    return 0


class Nested:
    @staticmethod
    def main():
        return "an error"
'''


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A directory with the module `its_programs`, in front of `sys.path`."""
    (tmp_path / "its_programs.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield str(tmp_path)
    sys.modules.pop("its_programs", None)


def test_a_program_without_parameters_reads_its_words(path):
    names = ["bare", "words", "typed", "later", "other", "missing"]
    named = {
        name: {"call": f"its_programs:{name}", "summary": None, "method": None} for name in names
    }
    named["missing"]["summary"] = "Not there"
    realm = Realm("p")
    reported = programs.described(realm, "p", named, ["/its"])
    realm.close()
    read = dict(zip(names, (each["program"]["takes_words"] for each in reported), strict=True))
    assert read == {
        "bare": True,
        "words": True,
        "typed": False,
        "later": False,
        "other": True,
        "missing": True,
    }
    assert all(each["program"]["path"][1:] == ["/its"] for each in reported)
    operations = [next(iter(each["openapi"]["paths"].values()))["post"] for each in reported]
    summaries = [operation["summary"] for operation in operations]
    assert (summaries[0], summaries[2], summaries[5]) == ("Run it.", "Repeat.", "Not there")
    assert "requestBody" in operations[2]


def run(reference, words=(), values=None):
    with pytest.raises(SystemExit) as ended:
        program.main(
            {"name": "p it", "reference": reference, "words": list(words), "values": values}
        )
    return ended.value.code


def test_it_ends_with_its_result_as_a_console_script(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])
    assert run("its_programs:bare", ["a", "-b"]) == ["p it", "a", "-b"]
    assert run("its_programs:typed", values={"name": "ab", "times": 2}) is None
    assert capsys.readouterr().out == "abab\n"
    assert run("its_programs:later", values={"flag": True}) == 7
    assert run("its_programs:Nested.main") == "an error"


def test_values_that_do_not_fit_are_named(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])
    assert run("its_programs:typed", values={"times": "x"}) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in errors] == ["--name", "--times"]
