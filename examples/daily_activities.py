"""A list of activities for each account, once a day; what was done today is not done again.

    python daily_activities.py [ACCOUNT …]

Each account is a job of its own, with a key that holds the date. Here the quiz fails the first time: the job is tried
again a moment later and does only what remains.
"""

import sys
from datetime import UTC, datetime

from outlast import Context, Handle, job

ACTIVITIES = ["check-in", "quiz", "poll"]


@job(max_attempts=5, backoff="300ms..10s", timeout="5m")
def daily(ctx: Context, day: str) -> dict[str, int]:
    for activity in ctx.each(ACTIVITIES):  # yields what remains; done, durably, when the body of the loop ends
        if activity == "quiz" and ctx.attempt == 1:
            raise ConnectionError("the quiz did not answer")
        print(f"{ctx.account} {day}: {activity} done in attempt {ctx.attempt}")  # the real work stands here
    return {"activities": len(ACTIVITIES)}


def submit(account: str, day: str) -> Handle:
    """Return the job of this account and day: a new one, or the one that is there already."""
    return daily.submit(day, key=f"daily:{account}:{day}", account=account)


if __name__ == "__main__":
    accounts = sys.argv[1:] or ["alice@example.org", "bob@example.org"]
    today = datetime.now(UTC).date().isoformat()
    handles = [submit(account, today) for account in accounts]

    for handle in handles:
        handle.wait(timeout=60)
        print(handle.logs(), end="")
        print(f"{handle.id}: {handle.status()}, attempts: {handle.job()['attempts']}")
