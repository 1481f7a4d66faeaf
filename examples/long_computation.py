"""A long computation that is killed on its way and goes on from its cursor.

    python long_computation.py

The job adds up primes and saves where it stands as it goes. After its first save this script kills the job's process
(SIGKILL: nothing can be cleaned up) and then waits for the result. Outlast starts the job again, and it goes on from
its cursor.
"""

import os
import signal
import threading

from outlast import Context, Handle, job

LAST = 500_000


@job
def sum_of_primes(ctx: Context, last: int) -> dict[str, int]:
    ctx.publish(pid=os.getpid())  # shown in the job object, so that this script knows what to kill
    cursor = ctx.cursor or {"next": 2, "sum": 0}
    print(f"attempt {ctx.attempt} begins at {cursor['next']}", flush=True)
    while cursor["next"] <= last:
        if is_prime(cursor["next"]):
            cursor["sum"] += cursor["next"]
        cursor["next"] += 1
        # Cheap: saved about once a second, and at once when `now` is true.
        ctx.checkpoint(cursor, done=cursor["next"], total=last, now=cursor["next"] % 50_000 == 0)
    return {"sum": cursor["sum"], "attempts": ctx.attempt}


def is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def kill_on_its_way(handle: Handle) -> None:
    """Kill the job's process once it has saved something."""
    pause = threading.Event()
    while (seen := handle.job())["status"] in ("queued", "running"):
        if "pid" in seen and "progress" in seen:
            print(f"killing process {seen['pid']} at {seen['progress']['done']} of {LAST}")
            os.kill(seen["pid"], signal.SIGKILL)
            return
        pause.wait(0.02)


if __name__ == "__main__":
    handle = sum_of_primes.submit(LAST)
    kill_on_its_way(handle)
    print(handle.result(timeout=60))
    print(handle.logs(), end="")
