"""A daily script that is killed again and again, and does nothing twice that it has finished.

    python daily_checklist.py

It starts itself as a worker that is killed inside the third activity and inside the fifth. Then it shows the checklist
as it lies on the disk, and how often each activity was begun.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from outlast import JobState

ACCOUNT, TYPE = "alice@example.org", "daily-set"
ACTIVITIES = ["check-in", "quiz-1", "quiz-2", "poll-1", "read-news", "search"]
DIARY = Path("diary.txt")


def work(die_at: str) -> None:
    today = JobState().open(ACCOUNT, TYPE, ACTIVITIES)
    for activity in today.each():  # yields what remains; completed, durably, when the body of the loop ends
        with DIARY.open("a") as diary:
            diary.write(f"{activity}\n")  # the real work stands here
        if activity == die_at:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(sys.argv[1])
        sys.exit()

    for moment in ("quiz-2", "read-news", "never"):
        code = subprocess.run([sys.executable, __file__, moment], check=False).returncode
        today = JobState().open(ACCOUNT, TYPE, ACTIVITIES)
        print(f"{'killed' if code else 'ended'}: {today.progress} completed, {len(today.remaining)} remain")

    [path] = Path("sessions").rglob("*.json")
    print(path.read_text(), end="")
    twice = [name for name, times in Counter(DIARY.read_text().split()).items() if times > 1]
    print("begun twice, because it was cut short:", ", ".join(twice))
