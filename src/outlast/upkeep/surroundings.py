"""Checks of what lies around the program: environment, limits, time zone, container, login session."""

import difflib
import os
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from outlast.core.findings import Finding
from outlast.settings import BY_VARIABLE
from outlast.upkeep.patient import Patient, few, ok, problem, warning

FEW_FILES = 256
INTERNAL = frozenset(
    {
        "OUTLAST_PROCESS_ID",
        "OUTLAST_BOOT",
        "OUTLAST_JOB_ID",
        "OUTLAST_CURSOR_FILE",
        "OUTLAST_PROGRESS_FILE",
        "OUTLAST_OFFICE",
        "OUTLAST_CRASH_ONCE",
    }
)
"""Variables that are ours and no settings."""
KILLER = "OUTLAST_CRASH_POINT"
_INITS = frozenset(
    {"systemd", "init", "launchd", "tini", "dumb-init", "docker-init", "catatonit", "s6-svscan", "runit"}
)
_LIKE_OURS = ("JOBS_", "JOB_", "PERSIST_", "TARGET_DIFFICULTY", "CONSENSUS_API")
_CGROUP = "/proc/self/cgroup"
_LOGIND = ("/etc/systemd/logind.conf", "/etc/systemd/logind.conf.d", "/run/systemd/logind.conf.d")


def preloads(patient: Patient) -> Finding:
    """Tell whether a library takes the flushes away, here or in the living supervisor."""
    for words, environment in (("Here", patient.environ), ("In the supervisor", _environment_of(patient.supervisor))):
        if "eatmydata" in environment.get("LD_PRELOAD", ""):
            says = (
                f"{words} libeatmydata is preloaded: nothing is flushed, and a power cut loses what was acknowledged."
            )
            return problem("flushes", says, "Unset LD_PRELOAD, then start the supervisor anew.")
    return ok("flushes", "Nothing keeps them from the disk.")


def _environment_of(pid: int | None) -> dict[str, str]:
    if not pid or sys.platform != "linux":
        return {}
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return {name: value for name, _, value in (os.fsdecode(entry).partition("=") for entry in entries)}


def variables(patient: Patient) -> Finding:
    """Tell of variables that look like settings and are none."""
    if patient.environ.get(KILLER):
        says = f"{KILLER} is set: it kills processes on purpose, for tests."
        return problem("variables", says, f"unset {KILLER}")
    typos = [name for name in patient.environ if _looks_like_a_typo(name)]
    if typos:
        guesses = [f"{name}{_guess(name)}" for name in sorted(typos)]
        fix = "Correct or unset them; `outlast config show` lists all settings."
        return warning("variables", f"No such setting: {few(guesses)}.", fix)
    return ok("variables", "Every variable that looks like a setting is one.")


def _looks_like_a_typo(name: str) -> bool:
    if name in BY_VARIABLE or name in INTERNAL or name == KILLER:
        return False
    if name.startswith("OUTLAST"):
        return True
    return name.startswith(_LIKE_OURS) and bool(_guess(name))


def _guess(name: str) -> str:
    near = difflib.get_close_matches(name, BY_VARIABLE, n=1, cutoff=0.75)
    return f" ({near[0]}?)" if near else ""


def limits(patient: Patient) -> Finding:
    """Tell whether so few files may be open, or such small ones written, that work will fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 32 + 4 * patient.settings.concurrency
    if soft != resource.RLIM_INFINITY and soft < max(FEW_FILES, needed):
        says = f"Only {soft:,} files may be open; {patient.settings.concurrency} jobs at a time need up to {needed:,}."
        most = "" if hard == resource.RLIM_INFINITY else f" (at most {hard:,})"
        return warning("limits", says, f"ulimit -n 1024{most}")
    largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = 0 if patient.facts is None else patient.facts.size
    if largest != resource.RLIM_INFINITY and largest < 4 * size + 64 * 1024**2:
        return warning("limits", f"No file may be larger than {largest / 1e6:,.0f} MB.", "ulimit -f unlimited")
    return ok("limits", "Enough files may be open.")


def home(patient: Patient) -> Finding:
    """Tell whether jobs have a home directory."""
    name = patient.environ.get("HOME", "")
    if not name:
        return warning("home", "HOME is not set: programs that jobs start may miss it.", "Set HOME.")
    if not os.path.isdir(name):
        return warning("home", f"HOME is {name}, which is no directory.", "Set HOME to one that exists.")
    return ok("home", f"It is {name}.")


def time_zone(patient: Patient) -> Finding:
    """Tell which time zone days and schedules follow."""
    wanted = patient.settings["OUTLAST_TIMEZONE"] or patient.environ.get("TZ", "").lstrip(":")
    if wanted and not _is_zone(wanted):
        return warning(
            "time zone", f"{wanted!r:.60} is no time zone: days would follow UTC.", "Use a name like Europe/Berlin."
        )
    if wanted:
        return ok("time zone", f"It is {wanted}.")
    return ok("time zone", f"It is the system's, {_system_zone()}.")


def _is_zone(name: str) -> bool:
    if os.path.isabs(name):
        return os.path.isfile(name)
    # A rule of POSIX, such as CET-1CEST, is none of IANA's, but works.
    if re.fullmatch(r"[A-Za-z]{3,}[-+]?\d.*", name):
        return True
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _system_zone() -> str:
    with suppress(OSError):
        _, found, name = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
        if found:
            return name
    return "UTC"


def container(patient: Patient) -> Finding:
    """Tell whether a container's end ends the jobs, and whether anybody reaps there."""
    if sys.platform != "linux":
        return ok("container", "None.")
    first = _read("/proc/1/comm").strip()
    if first in _INITS and not any(os.path.exists(mark) for mark in ("/.dockerenv", "/run/.containerenv")):
        return ok("container", "None.")
    name = f" (its first process is {first})" if first else ""
    return ok("container", f"This is one{name}: jobs end with it and go on at the next start.")


def login(patient: Patient) -> Finding:
    """Tell whether logging out ends the jobs."""
    name = f"/var/lib/systemd/linger/{_user()}"
    in_session = re.search(r"/session-[^/]*\.scope", _read(_CGROUP)) is not None
    if in_session and _kills_user_processes() and not os.path.exists(name):
        return warning("logout", "Logging out ends your jobs (KillUserProcesses=yes).", "loginctl enable-linger")
    return ok("logout", "It ends no job.")


def _kills_user_processes() -> bool:
    files = [
        path for place in map(Path, _LOGIND) for path in ([place] if place.is_file() else sorted(place.glob("*.conf")))
    ]
    found = [line for path in files for line in _read(str(path)).splitlines() if line.startswith("KillUserProcesses=")]
    return bool(found) and found[-1].partition("=")[2].strip().lower() in ("yes", "true", "1", "on")


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _read(name: str) -> str:
    try:
        return Path(name).read_text(errors="replace")
    except OSError:
        return ""
