"""A plugin's own folder, settings and secrets, outside the daemon and as the host provides them."""

import contextvars
import importlib.util
import sys
import traceback
from types import SimpleNamespace

import pytest

import skills_daemon
from skills_daemon.commands import CommandError
from skills_host import own as host

CODE = """
import skills_daemon
folder = skills_daemon.data_dir
def mine():
    return skills_daemon.data_dir(), skills_daemon.settings()
def token(*default):
    return skills_daemon.stored_secret("token", *default)
"""
CONFIG = "[plugins.aa]\nurl = 'u'\nlist = [1, {a = 2}]\n[plugins.aa.deep]\nx = 1\n"
# The module is not part of Python 3.10.
needs_toml = pytest.mark.skipif(
    sys.version_info < (3, 11) and importlib.util.find_spec("tomli") is None, reason="no tomllib"
)


@pytest.fixture
def plugin(clean_env, tmp_path):
    """Imports a plugin `package` with the given manifest."""
    clean_env.setenv("SKILLS_DAEMON_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run/config").mkdir(parents=True)
    (tmp_path / "run/config/config.toml").write_text(CONFIG)

    def load(manifest):
        folder = tmp_path / "package"
        folder.mkdir()
        (folder / "__init__.py").write_text(CODE)
        if manifest:
            (folder / "manifest.json").write_text(manifest)
        spec = importlib.util.spec_from_file_location("package", folder / "__init__.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize(
    ("manifest", "name"),
    [('{"name": "aa"}', "aa"), ("{}", "package"), ("[1]", "package"), ("", "package")],
)
def test_outside_the_daemon_the_calling_module_is_the_plugin(plugin, tmp_path, manifest, name):
    folder, settings = plugin(manifest).mine()
    assert folder == tmp_path / "run/data" / name
    assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    if name != "aa":
        assert settings == {}


@needs_toml
def test_settings_are_the_plugins_table_and_immutable(plugin):
    _, settings = plugin('{"name": "aa"}').mine()
    assert settings["url"] == "u" and settings["deep"]["x"] == 1
    assert settings["list"] == (1, {"a": 2})
    for table in (settings, settings["deep"], settings["list"][1]):
        with pytest.raises(TypeError):
            table["new"] = 1


@needs_toml
def test_a_plugin_has_its_own_secrets_only(plugin, tmp_path):
    file = tmp_path / "run/config/secrets.toml"
    token = plugin('{"name": "aa"}').token
    assert token(None) is None
    file.write_text("[aa]\ntoken = 'hidden'\nnumber = 1\n[bb]\ntoken = 'other'\n")
    file.chmod(0o644)
    with pytest.raises(PermissionError, match="run `chmod 600 "):
        token()
    file.chmod(0o600)
    assert token() == "hidden" and f"Bearer {token()}" == "Bearer hidden"
    assert repr({"token": token()}) == "{'token': Secret('***')}"
    file.write_text("[aa]\ntoken = hidden\n")
    with pytest.raises(ValueError, match="is not TOML") as raised:
        token()
    assert "hidden" not in "".join(traceback.format_exception(raised.value))
    file.write_text("[bb]\ntoken = 'other'\n")
    with pytest.raises(CommandError, match="aa has no secret 'token'") as raised:
        token()
    assert raised.value.hint == "Run `skills-daemon secret set aa token`."


def provided(name, data, settings=None, secrets=None):
    surroundings = {"name": name, "data": str(data), "settings": settings or {}, "env": {}}
    surroundings["secrets"] = secrets or {}
    return host.Own(surroundings, SimpleNamespace(show=lambda tasks: None))


def test_in_the_daemon_the_host_provides_both(tmp_path):
    def inside():
        provided("aa", tmp_path, {"url": "u"})
        return skills_daemon.data_dir(), dict(skills_daemon.settings())

    assert contextvars.copy_context().run(inside) == (tmp_path / "aa", {"url": "u"})


def test_in_the_daemon_secrets_come_from_the_host_alone(tmp_path):
    def inside():
        provided("aa", tmp_path, secrets={"token": "hidden"})
        return skills_daemon.stored_secret("token"), skills_daemon.stored_secret("other", "none")

    assert contextvars.copy_context().run(inside) == ("hidden", "none")
    surroundings = {"name": "aa", "data": "", "settings": {}, "secrets": {"a": "b"}, "env": {}}
    contextvars.copy_context().run(host.Own, surroundings, SimpleNamespace(show=print))
    assert "secrets" not in surroundings


def test_a_name_that_was_not_known_at_the_import_is_logged_if_it_matters(tmp_path, caplog):
    def inside(used):
        own = provided("guess", tmp_path)
        if used:
            skills_daemon.data_dir()
        own.loaded("real")
        return skills_daemon.data_dir()

    assert contextvars.copy_context().run(inside, False) == tmp_path / "real"
    assert not caplog.records
    assert contextvars.copy_context().run(inside, True) == tmp_path / "real"
    assert "set `name` in its manifest.json" in caplog.text


def test_a_variable_of_two_plugins_is_named_without_its_values(monkeypatch, caplog):
    monkeypatch.delenv("TOKEN_OF_TEST", raising=False)
    monkeypatch.setattr(host, "_variables", {})
    host.set_variables("aa", {"TOKEN_OF_TEST": "one"})
    host.set_variables("aa", {"TOKEN_OF_TEST": "two"})
    host.set_variables("bb", {"TOKEN_OF_TEST": "two"})
    assert not caplog.records
    host.set_variables("aa", {"TOKEN_OF_TEST": "three"})
    assert host.os.environ["TOKEN_OF_TEST"] == "three"
    [record] = caplog.records
    assert "TOKEN_OF_TEST of aa replaces that of bb" in record.getMessage()
    assert not any(value in record.getMessage() for value in ("one", "two", "three"))
