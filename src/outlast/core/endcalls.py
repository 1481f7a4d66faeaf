"""Calls at the end of a job (`on_end`): a command or a URL is told of it, by a job of its own."""

import re
from typing import Any

from outlast.core.codec import encode
from outlast.core.errors import UsageError
from outlast.core.ids import make_id
from outlast.core.job import Job, NewJob, Spec
from outlast.core.moments import Moment
from outlast.core.policies import Policy
from outlast.core.view import job_object, result_told

KIND = "on_end"
TARGET = "outlast.engine.jobside.on_end:call"
PRIORITY = 1_000_000
"""Before everything else in its queue: the work is done, only nobody knows it yet."""
POLICY = Policy(max_attempts=10, timeout_seconds=120.0)
"""Ten tries within about ten minutes."""
LONGEST = 4_000
LARGE_RESULT_BYTES = 64 * 1024
"""A larger result is told by its size and digest, as in jobs.json."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check_on_end(text: str) -> str:
    """Return a command, or a URL that may be called. Raise UsageError for another one.

    `https://`, or `http://` of this machine. Empty: nothing is called, whatever the settings say.
    """
    if not isinstance(text, str) or len(text) > LONGEST or "\0" in text:
        raise UsageError(f"on_end is {text!r:.60}.", f"Use a command or a URL of at most {LONGEST:,} characters.")
    text = text.strip()
    encode(text, "on_end")
    if _SCHEME.match(text) and (fault := _fault_of_url(text)):
        raise UsageError(f"on_end is a URL {fault}.", "Write it like https://host/path.")
    return text


def _fault_of_url(text: str) -> str:
    from urllib.parse import urlsplit  # takes longer than most commands have, and few need it

    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError as error:
        return f"that cannot be read ({error})"
    if url.scheme not in ("http", "https"):
        return f"of the scheme {url.scheme}, which is not called"
    if not host or not text.isascii() or not text.isprintable() or " " in text:
        return "without a host, or with characters that must be escaped"
    if url.username is not None:
        return "with a name and password, which would stand in every list"
    if url.scheme == "http" and not _is_this_machine(host):
        return "that sends unencrypted to another machine"
    return ""


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_url(on_end: str) -> bool:
    """Tell a URL from a command."""
    return _SCHEME.match(on_end) is not None


def with_default(spec: Spec, on_end: str | None) -> Spec:
    """Return the spec with this call, if it says nothing of its own; a call itself is never followed by another."""
    if not on_end or spec.policy.on_end is not None or spec.target == TARGET:
        return spec
    return spec._replace(policy=spec.policy._replace(on_end=on_end))


def is_end_call(job: Job) -> bool:
    """Tell whether a job is itself such a call."""
    return job.spec.target == TARGET


def end_call(ended: Job, random_part: bytes, now: Moment) -> NewJob:
    """Return the call for a job that has just ended. `random_part` is 8 random bytes."""
    home = ended.spec.home
    # In one place, and in a directory that is there: the calls of all jobs of a program can share a process.
    spec = Spec(kind=KIND, target=TARGET, policy=POLICY, home=home._replace(cwd="/"))
    arguments = {"on_end": ended.spec.policy.on_end, "job": _told(ended), "directory": home.cwd}
    return NewJob(
        id=make_id(KIND, now, random_part),
        spec=spec,
        args=encode({"args": [], "kwargs": arguments}, "the call"),
        account=ended.account,
        labels={"job": ended.id, "status": str(ended.status)},
        queue=ended.queue,
        priority=PRIORITY,
        actor="on_end",
    )


def _told(job: Job) -> dict[str, Any]:
    raw = (job.result or "").encode()
    if len(raw) <= LARGE_RESULT_BYTES:
        return job_object(job)
    import hashlib  # here only: OpenSSL is more than all that jobs load with this module

    large = result_told(job.id, len(raw), hashlib.sha256(raw).hexdigest())
    return {**job_object(job._replace(result="null")), "result": large}
