"""The verdict over a queue that was struck, read from what its jobs said outside: see strike.py."""

from collections import defaultdict


def judged(accepted: list[str], diary: str) -> dict[str, int]:
    """Return what the diary says of the jobs that were accepted."""
    done: dict[tuple[str, str], int] = defaultdict(int)
    ran: dict[str, list[str]] = defaultdict(list)
    ended: set[str] = set()
    twice: set[str] = set()
    after: set[str] = set()
    for word, job, step, pid in map(str.split, diary.splitlines()):
        if job in ended:
            after.add(job)
        if pid in ran[job][:-1]:  # another one has spoken since, and this one lives
            twice.add(job)
        elif ran[job][-1:] != [pid]:
            ran[job].append(pid)
        if word == "did":
            done[job, step] += 1
        if word == "end":
            ended.add(job)
    return {
        "lost": len(set(accepted) - ended),
        "redone": sum(times - 1 for times in done.values()),
        "twice": len(twice),
        "after": len(after),
    }
