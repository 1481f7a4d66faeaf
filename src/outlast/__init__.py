"""Outlast: jobs that outlast the process that started them.

Names are loaded when they are used, so that `import outlast` costs next to nothing and a program that only needs one
part never pays for another (PEP 562).
"""

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which would take a third of the time that this takes to import
if TYPE_CHECKING:
    from outlast.client import Handle, Outlast
    from outlast.core.errors import (
        AlreadyClaimed,
        AlreadyDone,
        Declined,
        JobCancelled,
        JobFailed,
        OutlastError,
        UnknownActivity,
        WaitTimeout,
    )
    from outlast.decorator import JobFunction, job
    from outlast.engine.jobside.context import Context, Gauge
    from outlast.jobstate import Checklist, JobState

_HOMES = {
    "AlreadyClaimed": "outlast.core.errors",
    "AlreadyDone": "outlast.core.errors",
    "Checklist": "outlast.jobstate",
    "Context": "outlast.engine.jobside.context",
    "Declined": "outlast.core.errors",
    "Gauge": "outlast.engine.jobside.context",
    "Handle": "outlast.client",
    "JobCancelled": "outlast.core.errors",
    "JobFailed": "outlast.core.errors",
    "JobFunction": "outlast.decorator",
    "JobState": "outlast.jobstate",
    "Outlast": "outlast.client",
    "OutlastError": "outlast.core.errors",
    "UnknownActivity": "outlast.core.errors",
    "WaitTimeout": "outlast.core.errors",
    "job": "outlast.decorator",
}

__version__ = "0.1.0"
__all__ = [
    "AlreadyClaimed",
    "AlreadyDone",
    "Checklist",
    "Context",
    "Declined",
    "Gauge",
    "Handle",
    "JobCancelled",
    "JobFailed",
    "JobFunction",
    "JobState",
    "Outlast",
    "OutlastError",
    "UnknownActivity",
    "WaitTimeout",
    "job",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'outlast' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
