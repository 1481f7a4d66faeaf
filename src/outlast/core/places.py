"""Where things lie in a data directory. Pure paths; nothing is touched."""

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

    @property
    def clock(self) -> Path:
        """Where supervisors leave what they know of the clock of this machine."""
        return self.run / "clock.json"

    def process_lock(self, process_id: str) -> Path:
        """Return the file whose record lock a job process holds as long as it lives."""
        return self.run / f"{process_id}.lock"

    @property
    def own_logs(self) -> tuple[Path, Path]:
        """The older and the newer file of what the supervisor has to say."""
        return _with_older(self.supervisor_log)

    def log(self, job_id: str) -> Path:
        """Return the file that holds the newest of a job's stdout and stderr."""
        return self.logs / f"{safe_file_name(job_id)}.log"

    def logs_of(self, job_id: str) -> tuple[Path, Path]:
        """Return the files of a job's stdout and stderr: the older one, which need not be there, and the newer."""
        return _with_older(self.log(job_id))

    def cursor_file(self, job_id: str) -> Path:
        """Return the file in which a shell command keeps its cursor."""
        return self.run / f"{safe_file_name(job_id)}.cursor.json"

    def progress_file(self, job_id: str) -> Path:
        """Return the file through which a shell command tells its progress."""
        return self.run / f"{safe_file_name(job_id)}.progress.json"

    def files_of(self, job_id: str) -> list[Path]:
        """Return every file that goes when a job goes."""
        return [*self.logs_of(job_id), self.cursor_file(job_id), self.progress_file(job_id)]


def _with_older(log: Path) -> tuple[Path, Path]:
    return log.with_name(f"{log.name}.1"), log
