"""Where things lie in a data directory (DESIGN: `data/jobs/`). Pure paths; nothing is touched."""

from dataclasses import dataclass
from pathlib import Path

from outlast.core.filenames import safe_file_name


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one data directory; `root` is absolute."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "jobs.db"

    @property
    def view(self) -> Path:
        return self.root / "jobs.json"

    @property
    def backup(self) -> Path:
        return self.root / "backup" / "jobs.db"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """Where the supervisor listens."""
        return self.run / "supervisor.sock"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisor.log"

    def process_lock(self, process_id: str) -> Path:
        """Return the file whose record lock a job process holds as long as it lives."""
        return self.run / f"{process_id}.lock"

    def log(self, job_id: str) -> Path:
        """Return the file that holds a job's stdout and stderr."""
        return self.logs / f"{safe_file_name(job_id)}.log"

    def cursor_file(self, job_id: str) -> Path:
        """Return the file in which a shell command keeps its cursor."""
        return self.run / f"{safe_file_name(job_id)}.cursor.json"
