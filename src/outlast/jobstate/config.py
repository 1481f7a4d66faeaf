"""The configuration of job state: `src/config.json` or `config.json`, and the usual settings."""

import json
import os
from collections.abc import Mapping

from outlast.core.errors import UsageError

CONFIG_FILES = (os.path.join("src", "config.json"), "config.json")
"""The first that exists counts."""
_SETTINGS_FILES = ("outlast.toml", "pyproject.toml")
SESSION_PATH = "sessions"
_FIX = "Correct it, or pass JobState(dir=…, enabled=…)."


class Config:
    """What the configuration file says: whether job state is enabled, and where it lies. `origin` names the file."""

    __slots__ = ("dir", "enabled", "origin")

    def __init__(self, *, enabled: bool, dir: str, origin: str) -> None:
        self.enabled = enabled
        self.dir = dir
        self.origin = origin


def load_config(cwd: str = "") -> Config:
    """Return the configuration of a directory. Raise UsageError, naming file and key, for one that makes no sense."""
    for name in CONFIG_FILES:
        fields = _read(os.path.join(cwd, name), name)
        if fields is not None:
            return _config(fields, name)
    return Config(enabled=True, dir=os.path.join(SESSION_PATH, "job-state"), origin="default")


def setting(variable: str) -> str | None:
    """Return a setting of job state: from the environment, else from a file, as all settings are found."""
    if text := os.environ.get(variable):
        return text
    if not any(map(os.path.exists, _SETTINGS_FILES)):  # the usual case, in which nothing more needs to be loaded
        return None
    from outlast.settings import find_text

    return find_text(variable)


def _read(path: str, name: str) -> dict[str, object] | None:
    try:
        # Without O_NONBLOCK a pipe in the file's place would be waited for, for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", _FIX) from None
    try:
        with open(descriptor, "rb") as file:
            raw = file.read()
        fields = json.loads(raw.decode(json.detect_encoding(raw)))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", _FIX) from None
    except RecursionError:
        raise UsageError(f"{name} cannot be read: it is nested too deeply.", _FIX) from None
    except ValueError as error:
        raise UsageError(f"{name} cannot be read: {error!s:.80}.", _FIX) from None
    if not isinstance(fields, dict):
        raise UsageError(f"{name} holds no JSON object.", _FIX)
    return fields


def _config(fields: Mapping[str, object], name: str) -> Config:
    state = fields.get("jobState", {})
    if not isinstance(state, dict):
        raise UsageError(f"jobState in {name} is {_shown(state)}, not an object.", _FIX)
    enabled = state.get("enabled", True)
    if not isinstance(enabled, bool):
        raise UsageError(f"jobState.enabled in {name} is {_shown(enabled)}, neither true nor false.", _FIX)
    session_path = _path(fields.get("sessionPath", SESSION_PATH), f"sessionPath in {name}")
    directory = _path(state.get("dir", ""), f"jobState.dir in {name}")
    return Config(
        enabled=enabled, dir=directory or os.path.join(session_path or SESSION_PATH, "job-state"), origin=name
    )


def _path(value: object, what: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{what} is {_shown(value)}, not a path.", _FIX)
    return value


def _shown(value: object) -> str:
    return f"{json.dumps(value):.60}"
