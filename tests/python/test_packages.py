"""Following a new directory of packages without a new process."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import site
import sys
from pathlib import Path

import pytest

from skills_host import packages


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two directories of packages; imports find the first one."""
    old, new = tmp_path / "old/lib/site-packages", tmp_path / "new/lib/site-packages"
    for directory in (old, new):
        directory.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path[:1], str(old), *sys.path[1:]])
    for name in ("prefix", "exec_prefix", "executable"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(site, "PREFIXES", list(site.PREFIXES))
    monkeypatch.setattr(packages, "_used", [str(old)])
    return old, new


def module(directory: Path, name: str, text: str) -> None:
    """Writes a package with its metadata."""
    (directory / name).mkdir()
    (directory / name / "__init__.py").write_text(text)
    (directory / name / "late.py").write_text(text)
    metadata = directory / f"{name}-{text.split()[-1]}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: {text.split()[-1]}\n")


def follow(new: Path) -> None:
    """Follows as the host does."""
    packages.follow(str(new), str(new.parents[1] / "bin/python"))


def test_later_imports_come_from_the_new_directory(sites: tuple[Path, Path]) -> None:
    old, new = sites
    module(old, "followed_a", "x = 1")
    module(new, "followed_a", "x = 1")
    module(new, "followed_b", "x = 2")
    assert importlib.import_module("followed_a").x == 1
    with pytest.raises(ImportError):
        importlib.import_module("followed_b")
    at = sys.path.index(str(old))
    follow(new)
    assert sys.path.index(str(new)) == at
    assert str(old) not in sys.path
    assert importlib.import_module("followed_b").x == 2
    assert importlib.metadata.version("followed_b") == "2"
    assert sys.prefix == str(new.parents[1])
    assert sys.executable == f"{sys.prefix}/bin/python"
    # What is imported goes on from where it is.
    assert importlib.import_module("followed_a.late").__file__ == str(old / "followed_a/late.py")


def test_files_with_paths_count(sites: tuple[Path, Path], tmp_path: Path) -> None:
    _, new = sites
    source = tmp_path / "source"
    source.mkdir()
    (source / "followed_c.py").write_text("x = 3")
    (new / "c.pth").write_text(f"{source}\n")
    follow(new)
    assert sys.path.index(str(source)) == sys.path.index(str(new)) + 1
    assert importlib.import_module("followed_c").x == 3


def test_imported_files_are_relative_to_each_directory(sites: tuple[Path, Path]) -> None:
    old, new = sites
    module(old, "followed_d", "x = 1")
    module(new, "followed_e", "x = 1")
    importlib.import_module("followed_d.late")
    follow(new)
    importlib.import_module("followed_e")
    files = {file for file in packages.imported() if file.startswith("followed_")}
    assert {"followed_d/__init__.py", "followed_d/late.py", "followed_e/__init__.py"} <= files
    assert "followed_e/late.py" not in files


def test_what_was_not_found_counts_as_imported() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("followed_missed.sub")
    assert importlib.util.find_spec("followed_looked") is None
    files = {file for file in packages.imported() if file.startswith("followed_")}
    for name in ("followed_missed", "followed_looked"):
        assert {f"{name}.py", f"{name}/__init__.py", f"{name}.so"} <= files


def test_packages_of_the_venv_are_known_by_their_paths() -> None:
    tops = {file.partition("/")[0].partition(".")[0] for file in packages.imported()}
    assert {"pytest", "_pytest"} <= tops
    assert not tops & {"skills_host", "json", "sys"}


def test_one_that_is_in_use_changes_nothing(sites: tuple[Path, Path]) -> None:
    old, _ = sites
    before = list(sys.path)
    follow(old)
    assert sys.path == before
    sys.path.remove(str(old))
    with pytest.raises(ValueError, match="not in list"):
        follow(sites[1])
