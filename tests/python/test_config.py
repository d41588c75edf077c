"""The configuration comes from the environment, and nonsense in it does no harm."""

import dataclasses
import stat
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
def test_nonsense_is_reported_and_the_default_used(
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


def test_ensure_dirs_says_what_it_cannot_create(clean_env, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        DaemonConfig(runtime_dir=tmp_path / "file").ensure_dirs()
