"""What is said of a job that is not there."""

from outlast.core.errors import NotFound
from outlast.core.moments import to_iso
from outlast.core.ports import Jobs

_LOOK = "outlast list -a shows what there is."


def no_job(store: Jobs, text: str) -> NotFound:
    """Return the error for an id or a key that leads to no job: it never was, or it was removed."""
    past = store.removed(text)
    if past is None:
        return NotFound(f"There is no job {text!r:.120}.", _LOOK)
    return NotFound(
        f"{past.id} is not there any more: {past.status} at {to_iso(past.completed_at)},"
        f" removed at {to_iso(past.removed_at)}.",
        "With keep=True, or a longer OUTLAST_RETENTION, a job and its result stay; another key runs it again.",
    )
