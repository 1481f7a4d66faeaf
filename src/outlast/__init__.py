"""Outlast: jobs that outlast the process that started them.

Names are loaded when they are used, so that `import outlast` costs next to nothing and a program that only needs one
part never pays for another (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlast.client import Handle, Outlast
    from outlast.core.errors import JobCancelled, JobFailed, OutlastError, WaitTimeout
    from outlast.decorator import JobFunction, job
    from outlast.engine.jobside.context import Context, Gauge

_HOMES = {
    "Context": "outlast.engine.jobside.context",
    "Gauge": "outlast.engine.jobside.context",
    "Handle": "outlast.client",
    "JobCancelled": "outlast.core.errors",
    "JobFailed": "outlast.core.errors",
    "JobFunction": "outlast.decorator",
    "Outlast": "outlast.client",
    "OutlastError": "outlast.core.errors",
    "WaitTimeout": "outlast.core.errors",
    "job": "outlast.decorator",
}

__version__ = "0.1.0"
__all__ = [
    "Context",
    "Gauge",
    "Handle",
    "JobCancelled",
    "JobFailed",
    "JobFunction",
    "Outlast",
    "OutlastError",
    "WaitTimeout",
    "job",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'outlast' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
