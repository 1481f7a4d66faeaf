"""Wait for a condition without holding a process.

    python wait_for_file.py

The job waits until a file is there. Meanwhile it is `waiting` and no process runs it: Outlast starts it again every
three seconds, it looks, and gives its process back. Steps that are finished are not run again.
"""

import threading
from pathlib import Path

from outlast import Context, job


@job(timeout="1h")
def summary_of(ctx: Context, path: str) -> dict[str, int]:
    asked_in = ctx.step("ask for the file", ask, ctx.attempt)
    ctx.wait(until=Path(path).exists, every=3, path=path)
    lines = Path(path).read_text().splitlines()
    return {"lines": len(lines), "asked_in_attempt": asked_in, "finished_in_attempt": ctx.attempt}


def ask(attempt: int) -> int:
    """Stand for the request that somebody answers by writing the file."""
    return attempt


if __name__ == "__main__":
    answer = Path("answer.txt").absolute()
    answer.unlink(missing_ok=True)
    handle = summary_of.submit(str(answer))

    pause = threading.Event()
    while (seen := handle.job())["status"] in ("queued", "running"):
        pause.wait(0.02)
    print(seen["status"], seen.get("reason"), seen.get("waiting_info"))

    answer.write_text("one\ntwo\nthree\n")
    print(handle.result(timeout=60))
