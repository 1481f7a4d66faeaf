"""Job state: what each account has done of its activities each day, in files that people read.

It needs nothing but the standard library, and parts of Outlast that need no more either. Names are loaded when they
are used, as those of `outlast`.
"""

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which takes longer to import than this
if TYPE_CHECKING:
    from outlast.core.errors import AlreadyClaimed, AlreadyDone, OutlastError, UnknownActivity
    from outlast.jobstate.checklist import Activity, Checklist, Progress
    from outlast.jobstate.reading import Entry
    from outlast.jobstate.report import Report
    from outlast.jobstate.state import JobState

_HOMES = {
    "Activity": "outlast.jobstate.checklist",
    "AlreadyClaimed": "outlast.core.errors",
    "AlreadyDone": "outlast.core.errors",
    "Checklist": "outlast.jobstate.checklist",
    "Entry": "outlast.jobstate.reading",
    "JobState": "outlast.jobstate.state",
    "OutlastError": "outlast.core.errors",
    "Progress": "outlast.jobstate.checklist",
    "Report": "outlast.jobstate.report",
    "UnknownActivity": "outlast.core.errors",
}

__all__ = [
    "Activity",
    "AlreadyClaimed",
    "AlreadyDone",
    "Checklist",
    "Entry",
    "JobState",
    "OutlastError",
    "Progress",
    "Report",
    "UnknownActivity",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'outlast.jobstate' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
