"""Starting a supervisor that belongs to nobody: own session, no terminal, not our child."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
MARKS = ("OUTLAST_PROCESS_ID", "OUTLAST_BOOT", "OUTLAST_JOB_ID", "OUTLAST_CURSOR_FILE", "OUTLAST_PROGRESS_FILE")
"""Variables that tie a process to a job; a supervisor must not carry them."""

_BOOT = (
    "import os,sys\n"
    "if os.fork(): os._exit(0)\n"
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

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it and return; if one lives already, the new one finds the lock taken and leaves."""
        base = os.environ if environment is None else environment
        environment = {**{name: value for name, value in base.items() if name not in MARKS}, **self.settings}
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            starter = subprocess.Popen(
                [self.interpreter, "-P", "-c", _BOOT, PACKAGE_ROOT],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.cwd,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(log)
        starter.wait()

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, for the job processes."""
        return asdict(self)


def own_interpreter() -> str:
    """Return the interpreter that runs this program."""
    return sys.executable or "python3"
