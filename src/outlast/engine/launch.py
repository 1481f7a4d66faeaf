"""Starting a supervisor that belongs to nobody: own session, no terminal, not our child."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
OFFICE = "OUTLAST_OFFICE"
"""Stands in the environment of supervisors alone: one belongs to no job, not even to the job that had to start it."""
MARKS = ("OUTLAST_PROCESS_ID", "OUTLAST_BOOT", "OUTLAST_JOB_ID", "OUTLAST_CURSOR_FILE", "OUTLAST_PROGRESS_FILE", OFFICE)
"""Variables that tell what a process is for us; those it starts must not carry them on."""
NOBODY = "p" + 16 * "0"
"""The OUTLAST_PROCESS_ID of a fork server: as long as the id of a job process, but nobody's."""

_BOOT = (
    "import os,sys\n"
    "pid=os.fork()\n"
    "try:\n"
    "  if pid: os.write(int(sys.argv[2]),b'%d'%pid)\n"
    "finally:\n"
    "  if pid: os._exit(0)\n"
    "os.close(int(sys.argv.pop(2)))\n"
    "sys.path.append(sys.argv.pop(1))\n"
    "from outlast.app import supervise_detached\n"
    "supervise_detached()\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start the supervisor of a store: its interpreter, directory, log and settings.

    `settings` holds every variable that is a setting, empty if unset, so that nobody else's value slips in.
    """

    interpreter: str
    cwd: str
    log: str
    settings: Mapping[str, str]
    allowed: bool = True

    def start(self, environment: Mapping[str, str] | None = None) -> int | None:
        """Start it and return its pid; if one lives already, the new one finds the lock taken and leaves.

        None if it could not be started; its log says why.
        """
        base = os.environ if environment is None else environment
        environment = {name: value for name, value in base.items() if name not in MARKS}
        environment |= {**self.settings, OFFICE: self.cwd}
        log = open_log(self.log)
        reader, writer = os.pipe()
        try:
            starter = subprocess.Popen(
                [self.interpreter, "-P", "-c", _BOOT, PACKAGE_ROOT, str(writer)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.cwd,
                env=environment,
                start_new_session=True,
                pass_fds=(writer,),
            )
        finally:
            os.close(log)
            os.close(writer)
        with open(reader, "rb") as pid:
            starter.wait()
            return int(pid.read() or 0) or None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, for the job processes."""
        return asdict(self)


def open_log(path: str) -> int:
    """Return a descriptor that appends to a log, or goes nowhere if that fails: the work matters more than its log.

    Raise FileNotFoundError if the directory is gone, OSError (EMFILE, ENFILE) if no descriptor is free.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def is_supervisor(pid: int) -> bool:
    """Tell whether a process was started as a supervisor (Linux only)."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return any(entry.startswith(f"{OFFICE}=".encode()) for entry in file.read().split(b"\0"))
    except OSError:
        return False


def own_interpreter() -> str:
    """Return the interpreter that runs this program."""
    return sys.executable or "python3"
