"""Files are compiled without being executed: `skills_host.syntax`."""

from skills_host import syntax


def test_the_first_error_is_returned_with_its_place(tmp_path):
    good, missing = tmp_path / "good.py", tmp_path / "missing.py"
    good.write_text("raise SystemExit\n")
    assert syntax.error([str(good), str(missing)]) is None
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\ndef (:\n")
    assert syntax.error([str(good), str(broken)]) == f"{broken} line 2: SyntaxError: invalid syntax"
    # An edit of the same size at once.
    broken.write_text("x = 1\ndef a():")
    assert "line 2: IndentationError" in syntax.error([str(broken)])
    broken.write_bytes(b"\xff\xfe")
    assert syntax.error([str(broken)]).startswith(f"{broken}")
