"""Settings and where each came from: flags, then environment, then a file, then the default."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlast.core.durations import parse_duration
from outlast.core.endcalls import check_on_end
from outlast.core.errors import UsageError

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def parse_bool(text: str) -> bool:
    """Return the truth of `1 true yes on` / `0 false no off`. Raise UsageError."""
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise UsageError(f"{text!r} is neither true nor false.", "Use 1, true, yes, on or 0, false, no, off.")
    return word in _TRUE


def _text(text: str) -> str:
    return text


def _directory(text: str) -> str:
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL.", "Name a directory.")
    return os.path.abspath(os.path.expanduser(text))


def _zone(text: str) -> str:
    from outlast.core.cron import check_zone

    return check_zone(text)


def _count(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 10_000:
        raise UsageError(f"{text!r} is not a number from 1 to 10000.", "Use a whole number.")
    return int(text)


def _keep_for(text: str) -> float | None:
    return None if text.strip().lower() == "never" else parse_duration(text)


def _limits(text: str) -> dict[str, int]:
    limits: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, number = part.partition("=")
        if not equals or not name:
            raise UsageError(f"{part!r} is not a queue limit.", "Write it like mail=2,video=1.")
        limits[name] = _count(number)
    return limits


def _zeros(text: str) -> int:
    number = _count(text)
    if number > 64:
        raise UsageError(f"{text!r} is more than the 64 hex digits of a hash.", "Use 1 to 64.")
    return number


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its variable, its default as one would write it (None: unset), how it is read, what it does."""

    variable: str
    default: str | None
    parse: Callable[[str], Any]
    meaning: str
    secret: bool = False

    @property
    def key(self) -> str:
        """The name in outlast.toml: lower case, without `OUTLAST_`."""
        return self.variable.lower().removeprefix("outlast_")


SETTINGS = (
    Setting("JOBS_DATA_DIR", "./data/jobs", _directory, "where jobs are kept"),
    Setting("PERSIST_JOBS", "true", parse_bool, "false: keep jobs in memory only"),
    Setting("OUTLAST_STORE", None, _text, "another store: sqlite:///path/jobs.db", secret=True),
    Setting("OUTLAST_APP", None, _text, "module or file whose jobs a worker or server knows"),
    Setting("OUTLAST_CONCURRENCY", None, _count, "jobs at the same time (default: the cores)"),
    Setting("OUTLAST_QUEUE_LIMITS", None, _limits, "at most so many running jobs of a queue: a=2,b=1"),
    Setting("OUTLAST_AUTOSTART", "1", parse_bool, "0: never start a supervisor by itself"),
    Setting("OUTLAST_GRACE", "5s", parse_duration, "time between the request to stop and SIGKILL"),
    Setting("OUTLAST_LEASE", "30s", parse_duration, "PostgreSQL: how long a supervisor's word holds"),
    Setting("OUTLAST_MAX_CRASHES", "3", _count, "deaths without a save before a job is given up"),
    Setting("OUTLAST_RETENTION", "1h", _keep_for, "how long a finished job stays once its end was read"),
    Setting("OUTLAST_RETENTION_UNREAD", "7d", _keep_for, "how long a finished job stays unread"),
    Setting("OUTLAST_HISTORY", "30d", _keep_for, "how long a pruned job's history and key stay"),
    Setting("OUTLAST_TOKEN", None, _text, "token for servers that listen beyond this machine", secret=True),
    Setting("OUTLAST_TIMEZONE", None, _zone, "IANA zone of job state and schedules (default: the system's)"),
    Setting("OUTLAST_CLUSTER_WORKER", None, _text, "number of this cluster worker, for job state"),
    Setting("OUTLAST_ON_END", None, check_on_end, "command or https URL that is called with every job that ends"),
    Setting("OUTLAST_POW_SEARCH", "auto", _text, "proof of work: auto, hashlib or llvm (needs outlast[fast])"),
    Setting("TARGET_DIFFICULTY_START", "5", _zeros, "proof of work: search once so few zeros are needed"),
    Setting("DANGER", "false", parse_bool, "proof of work: true lets results be broadcast"),
    Setting("CONSENSUS_API_URL", None, _text, "proof of work: where block heights are asked"),
    Setting("DATABASE_URL", None, _text, "proof of work: PostgreSQL with block heights", secret=True),
    Setting("OUTLAST_BROADCAST", "signer", _text, "proof of work: signer, https://… or dry-run"),
)
BY_VARIABLE = {setting.variable: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, read once, by variable name: parsed, as text (empty if unset), and where each came from."""

    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, variable: str) -> Any:
        return self.values[variable]

    @property
    def data_dir(self) -> Path:
        return Path(self.values["JOBS_DATA_DIR"])

    @property
    def persist(self) -> bool:
        return bool(self.values["PERSIST_JOBS"])

    @property
    def autostart(self) -> bool:
        return bool(self.values["OUTLAST_AUTOSTART"])

    @property
    def grace_seconds(self) -> float:
        return float(self.values["OUTLAST_GRACE"])

    @property
    def max_crashes(self) -> int:
        return int(self.values["OUTLAST_MAX_CRASHES"])

    @property
    def concurrency(self) -> int:
        """Jobs at the same time: the setting, else the cores this process may use."""
        chosen = self.values["OUTLAST_CONCURRENCY"]
        return int(chosen) if chosen is not None else available_cores()


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def load_settings(
    flags: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """Return the settings in force. `flags` maps variables to text. Raise UsageError naming variable and origin."""
    environ = os.environ if environ is None else environ
    from_file, file_name = _read_file(cwd or Path.cwd())
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        text, origin = _find(setting, flags or {}, environ, from_file, file_name)
        try:
            values[setting.variable] = None if text is None else setting.parse(text)
        except UsageError as error:
            raise UsageError(f"{setting.variable} ({origin}): {error.message}", error.fix) from None
        texts[setting.variable] = text or ""
        origins[setting.variable] = origin
    texts["JOBS_DATA_DIR"] = values["JOBS_DATA_DIR"]
    return Settings(values=values, texts=texts, origins=origins)


def find_text(variable: str) -> str | None:
    """Return the text of one setting that stands in a file here or is a default, whatever the others are."""
    from_file, file_name = _read_file(Path.cwd())
    return _find(BY_VARIABLE[variable], {}, {}, from_file, file_name)[0]


def _find(
    setting: Setting,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    from_file: Mapping[str, str],
    file_name: str,
) -> tuple[str | None, str]:
    if flags.get(setting.variable):
        return flags[setting.variable], "flag"
    if environ.get(setting.variable):
        return environ[setting.variable], "environment"
    if setting.key in from_file:
        return from_file[setting.key], file_name
    return setting.default, "default"


def _read_file(cwd: Path) -> tuple[dict[str, str], str]:
    for name, table in (("outlast.toml", ()), ("pyproject.toml", ("tool", "outlast"))):
        path = cwd / name
        if path.is_file():
            found = _read_table(path, table)
            if name == "outlast.toml" or found:
                return found, name
    return {}, "default"


def _read_table(path: Path, table: tuple[str, ...]) -> dict[str, str]:
    import tomllib

    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Correct the file or move it away.") from None
    for part in table:
        content = content.get(part, {}) if isinstance(content, dict) else {}
    if not isinstance(content, dict):
        return {}
    known = {setting.key for setting in SETTINGS}
    for key in content:
        if key not in known:
            raise UsageError(f"{path} has the unknown setting {key!r}.", f"Known: {', '.join(sorted(known))}.")
    return {key: _as_text(key, value, path) for key, value in content.items()}


def _as_text(key: str, value: object, path: Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict):
        return ",".join(f"{name}={number}" for name, number in value.items())
    raise UsageError(f"{key} in {path} is a {type(value).__name__}.", "Use text, a number, true or false.")
