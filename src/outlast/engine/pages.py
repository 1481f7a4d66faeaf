"""The finished steps of a job, in pieces that a message can hold."""

from outlast.core.ports import Supervision

STEPS_PER_PAGE = 1_000
BYTES_PER_PAGE = 4 * 1024 * 1024
"""A page ends with the step that passes this: however much a job has saved, no message grows without bounds."""
_STEPS_PER_READ = 50

Page = tuple[list[tuple[str, str, str]], bool]
"""Name, kind and result of each step, and whether there are more."""


def page_of_steps(store: Supervision, job_id: str, *, after: int) -> Page:
    """Return the next steps of a job, without the first `after`."""
    page: list[tuple[str, str, str]] = []
    size = 0
    while True:
        steps = store.steps(job_id, after=after + len(page), limit=_STEPS_PER_READ)
        for step in steps:
            page.append((step.name, step.kind, step.result))
            size += len(step.result)
            if size > BYTES_PER_PAGE or len(page) == STEPS_PER_PAGE:
                return page, True
        if len(steps) < _STEPS_PER_READ:
            return page, False
