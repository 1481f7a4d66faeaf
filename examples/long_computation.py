"""A long computation that is killed in the middle and goes on from its cursor.

    python long_computation.py

The job sums up the first numbers that are prime, and saves where it stands as it goes. Half way, this script kills the
job's process (SIGKILL, nothing can be cleaned up), then waits for the result. Outlast starts the job again, and it
finds its cursor.
"""

import os
import signal
import threading

from outlast import Context, Handle, job

LAST = 120_000


@job
def sum_of_primes(ctx: Context, last: int) -> dict[str, int]:
    ctx.publish(pid=os.getpid())  # shown in the job object, so that this script knows what to kill
    cursor = ctx.cursor or {"next": 2, "sum": 0}
    print(f"attempt {ctx.attempt} begins at {cursor['next']}")
    while cursor["next"] <= last:
        if is_prime(cursor["next"]):
            cursor["sum"] += cursor["next"]
        cursor["next"] += 1
        ctx.checkpoint(cursor, done=cursor["next"], total=last)  # cheap: saved about once a second
    return {"sum": cursor["sum"], "attempts": ctx.attempt}


def is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def kill_half_way(handle: Handle) -> None:
    pause = threading.Event()
    while not pause.wait(0.05):
        job = handle.job()
        if job.get("progress", {}).get("done", 0) > LAST / 4:
            print(f"killing process {job['pid']} at {job['progress']['done']} of {LAST}")
            os.kill(job["pid"], signal.SIGKILL)
            return


if __name__ == "__main__":
    handle = sum_of_primes.submit(LAST)
    kill_half_way(handle)
    print(handle.result(timeout=60))
    print(handle.logs(), end="")
