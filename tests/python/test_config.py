"""The configuration: the daemon's own, or that of environment and file."""

import dataclasses
import importlib.util
import stat
import sys
from pathlib import Path

import pytest

from skills_daemon.config import DaemonConfig


def test_defaults(clean_env, tmp_path):
    assert dataclasses.asdict(DaemonConfig()) == {
        "host": "127.0.0.1",
        "port": 9100,
        "idle_timeout": 1800,
        "shutdown_timeout": 10,
        "log_level": "INFO",
        "runtime_dir": tmp_path / ".local/share/skills-daemon",
        "log_max_bytes": 5 * 1024 * 1024,
        "log_backup_count": 3,
    }


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("HOST", "::1", "host", "::1"),
        ("PORT", "9200", "port", 9200),
        ("PORT", "0", "port", 0),
        ("TIMEOUT", "60", "idle_timeout", 60),
        ("SHUTDOWN_TIMEOUT", "3", "shutdown_timeout", 3),
        ("LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("RUNTIME_DIR", "/var/tmp/daemon", "runtime_dir", Path("/var/tmp/daemon")),
    ],
)
def test_each_variable_sets_its_field(clean_env, variable, value, field, expected):
    clean_env.setenv(f"SKILLS_DAEMON_{variable}", value)
    assert getattr(DaemonConfig(), field) == expected


@pytest.mark.parametrize(
    ("variable", "value", "field", "default"),
    [
        ("PORT", "ninety", "port", 9100),
        ("PORT", "65536", "port", 9100),
        ("PORT", "-1", "port", 9100),
        ("TIMEOUT", "30m", "idle_timeout", 1800),
        ("TIMEOUT", "1.5", "idle_timeout", 1800),
        ("SHUTDOWN_TIMEOUT", "-5", "shutdown_timeout", 10),
    ],
)
def test_an_invalid_value_is_reported_and_the_default_used(
    clean_env, caplog, variable, value, field, default
):
    clean_env.setenv(f"SKILLS_DAEMON_{variable}", value)
    assert getattr(DaemonConfig(), field) == default
    [record] = caplog.records
    assert record.levelname == "WARNING"
    for part in (f"SKILLS_DAEMON_{variable}", repr(value), str(default)):
        assert part in record.getMessage()


@pytest.mark.parametrize("name", ["HOST", "PORT", "TIMEOUT", "LOG_LEVEL", "RUNTIME_DIR"])
def test_an_empty_variable_counts_as_not_set(clean_env, caplog, name):
    expected = DaemonConfig()
    clean_env.setenv(f"SKILLS_DAEMON_{name}", "")
    assert DaemonConfig() == expected
    assert caplog.records == []


needs_toml = pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("tomllib", "tomli")),
    reason="nothing that reads TOML",
)


@pytest.fixture
def config_file(tmp_path):
    def write(text: str, folder: str = ".config/skills-daemon") -> Path:
        file = tmp_path / folder / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


@needs_toml
def test_the_file_is_read_and_the_environment_wins(clean_env, config_file):
    config_file('host = "::1"\nport = 9300\ntimeout = "60"\nwrappers = false\n')
    clean_env.setenv("SKILLS_DAEMON_TIMEOUT", "7")
    config = DaemonConfig()
    assert (config.host, config.port, config.idle_timeout) == ("::1", 9300, 7)
    assert config.shutdown_timeout == 10
    assert config.daemon_url == "http://[::1]:9300"


@needs_toml
def test_the_file_moves_with_its_folder(clean_env, config_file, tmp_path):
    config_file("port = 9301", "xdg/skills-daemon")
    config_file("port = 9302", "runtime/config")
    clean_env.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert DaemonConfig().port == 9301
    clean_env.setenv("SKILLS_DAEMON_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert DaemonConfig().port == 9302


@needs_toml
@pytest.mark.parametrize("text", ["port = 'http'", "port = 70000", "port = ", "port = [9300]"])
def test_an_invalid_file_is_reported_at_most_once(clean_env, config_file, caplog, text):
    file = config_file(text)
    assert DaemonConfig().port == 9100
    assert [str(file) in record.getMessage() for record in caplog.records] in ([True], [])


def test_in_the_daemon_its_own_settings_hold(clean_env, config_file, monkeypatch, tmp_path):
    config_file("port = 9300")
    clean_env.setenv("SKILLS_DAEMON_PORT", "0")
    settings = {
        "host": "127.0.0.1",
        "port": 41234,
        "timeout": 5,
        "shutdown_timeout": 6,
        "log_level": "DEBUG",
    }
    monkeypatch.setattr(sys.modules["_skills_host"], "settings", settings, raising=False)
    config = DaemonConfig()
    assert (config.port, config.daemon_url) == (41234, "http://localhost:41234")
    assert (config.idle_timeout, config.shutdown_timeout, config.log_level) == (5, 6, "DEBUG")
    assert config.runtime_dir == tmp_path / ".local/share/skills-daemon"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:1"),
        ("::", "http://localhost:1"),
        ("localhost", "http://localhost:1"),
        ("::1", "http://[::1]:1"),
        ("[::1]", "http://[::1]:1"),
        ("127.0.0.2", "http://127.0.0.2:1"),
    ],
)
def test_the_url_leads_to_the_host(clean_env, host, url):
    assert DaemonConfig(host=host, port=1).daemon_url == url


def test_runtime_dir_expands_the_home_directory(clean_env, tmp_path):
    clean_env.setenv("SKILLS_DAEMON_RUNTIME_DIR", "~/daemon")
    assert DaemonConfig().runtime_dir == tmp_path / "daemon"


def test_runtime_dir_follows_an_absolute_data_home(clean_env, tmp_path):
    clean_env.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert DaemonConfig().runtime_dir == tmp_path / "data" / "skills-daemon"


def test_a_relative_data_home_is_ignored(clean_env, tmp_path):
    clean_env.setenv("XDG_DATA_HOME", "data")
    assert DaemonConfig().runtime_dir == tmp_path / ".local/share/skills-daemon"


def test_runtime_dir_wins_over_data_home(clean_env, tmp_path):
    clean_env.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    clean_env.setenv("SKILLS_DAEMON_RUNTIME_DIR", str(tmp_path / "own"))
    assert DaemonConfig().runtime_dir == tmp_path / "own"


def test_paths_and_address(clean_env):
    config = DaemonConfig(port=9200, runtime_dir=Path("/r"))
    assert config.venv_dir == Path("/r/venv")
    assert config.log_dir == Path("/r/logs")
    assert config.log_file == Path("/r/logs/daemon.log")
    assert config.state_dir == Path("/r/state")
    assert config.pid_file == Path("/r/state/daemon.pid")
    assert config.daemon_url == "http://localhost:9200"


def test_it_cannot_be_changed(clean_env):
    with pytest.raises(dataclasses.FrozenInstanceError):
        DaemonConfig().port = 1


def test_ensure_dirs_creates_what_is_missing_for_the_user_alone(clean_env, tmp_path):
    config = DaemonConfig(runtime_dir=tmp_path / "a" / "b")
    config.ensure_dirs()
    config.ensure_dirs()
    assert sorted(path.name for path in config.runtime_dir.iterdir()) == ["logs", "state", "venv"]
    assert stat.S_IMODE(config.runtime_dir.stat().st_mode) == 0o700


def test_ensure_dirs_names_what_it_cannot_create(clean_env, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        DaemonConfig(runtime_dir=tmp_path / "file").ensure_dirs()
