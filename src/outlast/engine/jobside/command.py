"""A shell command as a job: `outlast run -- CMD`."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from outlast.core.codec import MAX_BYTES
from outlast.core.errors import JobCancelled
from outlast.core.filenames import safe_file_name
from outlast.engine.exits import end_in_words
from outlast.engine.jobside.context import Context
from outlast.engine.jobside.run import CommandFailed
from outlast.engine.oom import CAUSE as OUT_OF_MEMORY
from outlast.engine.oom import oom_kills

TARGET = f"{__name__}:run_command"
LOOK_SECONDS = 1.0
LARGEST_CURSOR = min(1_000_000, MAX_BYTES)


def run_command(ctx: Context, argv: list[str], directory: str) -> dict[str, int]:
    """Run `argv` and return `{"exit_code": 0}`. Raise CommandFailed for any other end.

    The command finds OUTLAST_JOB_ID, and OUTLAST_CURSOR_FILE: a JSON file (≤ 1 MB) that it replaces atomically;
    it is read every second and at exit, and found again when the job resumes.
    """
    files = _Files(ctx, Path(directory))
    killed_before = oom_kills()
    environment = {
        **os.environ,
        "OUTLAST_JOB_ID": ctx.job_id,
        "OUTLAST_CURSOR_FILE": str(files.cursor),
        "OUTLAST_PROGRESS_FILE": str(files.progress),
    }
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=environment)
    except OSError as error:
        raise CommandFailed(f"{argv[0]}: {error.strerror}") from None
    try:
        while (code := _wait(child, LOOK_SECONDS)) is None:
            files.look()
    except JobCancelled:
        child.terminate()
        child.wait()
        files.look()
        raise
    files.look()
    if code == -signal.SIGKILL and oom_kills() != killed_before:
        raise CommandFailed(OUT_OF_MEMORY, reason="out_of_memory")
    if code != 0:
        raise CommandFailed(end_in_words(code))
    files.remove()
    return {"exit_code": 0}


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


class _Files:
    """The two files through which a command speaks to its job."""

    def __init__(self, ctx: Context, directory: Path) -> None:
        self._ctx = ctx
        name = safe_file_name(ctx.job_id)
        self.cursor = directory / f"{name}.cursor.json"
        self.progress = directory / f"{name}.progress.json"
        self._seen: dict[Path, tuple[int, int]] = {}
        self._restore()

    def _restore(self) -> None:
        """Let the command find the last cursor: the file, which may be newer than what was saved, if it is sound."""
        try:
            json.loads(self.cursor.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            self.cursor.unlink(missing_ok=True)
            if self._ctx.cursor is not None:
                new = self.cursor.with_suffix(".new")
                new.write_text(json.dumps(self._ctx.cursor), encoding="utf-8")
                new.replace(self.cursor)

    def look(self) -> None:
        """Save what is new in them."""
        if (cursor := self._read(self.cursor)) is not None:
            self._ctx.checkpoint(cursor, now=True)
        if isinstance(progress := self._read(self.progress), dict):
            self._ctx.progress(progress.get("done"), progress.get("total"), progress.get("message"))
            self._ctx.flush(wait=False)

    def remove(self) -> None:
        for path in (self.cursor, self.progress):
            path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Any:
        try:
            stat = path.stat()
            if self._seen.get(path) == (stat.st_mtime_ns, stat.st_ino):
                return None
            if stat.st_size > LARGEST_CURSOR:
                self._ctx.log.warning("%s is larger than 1 MB and was not saved.", path)
                return None
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self._ctx.log.warning("%s was not saved: %s", path, error)
            return None
        self._seen[path] = (stat.st_mtime_ns, stat.st_ino)
        return value
