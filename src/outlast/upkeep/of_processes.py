"""Checks of who works: the supervisor, job processes, locks, and jobs that do not move."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from outlast.codecheck import code_fault
from outlast.core.durations import format_duration
from outlast.core.findings import Finding
from outlast.core.status import Status
from outlast.engine.identity import is_alive
from outlast.upkeep.patient import Patient, counted, few, ok, problem, warning

RECOVERY_SECONDS = 30.0
"""A supervisor sees a death at once; so long after it nothing excuses a job that still claims to run."""
LONG_SECONDS = 300.0
NO_ARGS = "null"
MARK = b"OUTLAST_PROCESS_ID="
START = "`outlast worker`, or the next submit, starts one."


def supervisor(patient: Patient) -> Finding:
    """Tell whether a supervisor lives, and whether one is needed."""
    if patient.supervisor is not None:
        pid = f" (pid {patient.supervisor})" if patient.supervisor else ""
        return ok("supervisor", f"A supervisor lives{pid}.")
    work = 0 if patient.facts is None else sum(patient.facts.counts.get(s, 0) for s in (Status.QUEUED, Status.RUNNING))
    if not work:
        return ok("supervisor", "None lives, and there is nothing to run.")
    jobs = counted(work, "job waits", "jobs wait")
    if not patient.settings.autostart:
        return warning(
            "supervisor", f"{jobs} for a supervisor, and none lives.", "OUTLAST_AUTOSTART=0: run `outlast worker`."
        )
    return warning("supervisor", f"{jobs} for a supervisor, and none lives.", START)


def processes(patient: Patient) -> Finding:
    """Tell whether job processes, or what they started, live on without anybody who watches them."""
    alive = dict(patient.processes)
    for identity in () if patient.facts is None else patient.facts.processes:
        if is_alive(identity):
            alive.setdefault(identity.id, identity.pid)
    strays = list(_strays(patient, set(alive)))
    if strays:
        pids = " ".join(str(pid) for pid in strays)
        says = f"{counted(len(strays), 'process', 'processes')} of dead jobs still run: {pids}."
        return problem("processes", says, f"A supervisor ends them: run `outlast worker --drain`. Or: kill {pids}")
    if alive and patient.supervisor is None:
        pids = " ".join(str(pid) for pid in sorted(alive.values()))
        says = f"{counted(len(alive), 'job process lives', 'job processes live')} without a supervisor: {pids}."
        return warning("processes", says, f"The next one adopts them. {START}")
    return ok("processes", f"{counted(len(alive), 'job process lives', 'job processes live')}, none forgotten.")


def _strays(patient: Patient, alive: set[str]) -> Iterator[int]:
    """Yield processes that carry the mark of a job process of this directory which is dead itself (Linux)."""
    known = {lock.stem for lock in patient.locks()}
    known |= {identity.id for identity in (patient.facts.processes if patient.facts is not None else ())}
    if sys.platform != "linux" or not known - alive:
        return
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid() and _mark_of(int(name)) in known - alive:
            yield int(name)


def _mark_of(pid: int) -> str:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((os.fsdecode(entry.removeprefix(MARK)) for entry in entries if entry.startswith(MARK)), "")


def locks(patient: Patient) -> Finding:
    """Tell whether locks of dead processes were left."""
    left = stale_locks(patient)
    if left and patient.supervisor is None:
        says = f"{counted(len(left), 'lock', 'locks')} of dead processes were left."
        return warning("locks", says, "The next supervisor, or `outlast doctor --repair`, removes them.", mendable=True)
    return ok("locks", "Every lock has its owner.")


def stale_locks(patient: Patient) -> list[Path]:
    """Return the lock files whose process is dead."""
    return [lock for lock in patient.locks() if lock.stem not in patient.processes]


def stuck(patient: Patient) -> Finding:
    """Tell whether jobs do not move although they could."""
    if patient.facts is None:
        return ok("jobs", "Not looked at.")
    facts = patient.facts
    known = {identity.id: identity for identity in facts.processes}
    dead = [
        job
        for job in facts.running
        if job.process_id not in patient.processes
        and not (job.process_id in known and is_alive(known[job.process_id or ""]))
    ]
    forgotten = [job.job_id for job in dead if patient.now - job.updated_at > RECOVERY_SECONDS * 1000]
    if forgotten and patient.supervisor is not None:
        says = f"{few(forgotten)} should run, but no process does so, and the supervisor does not see it."
        return problem("jobs", says, f"End the supervisor: kill {patient.supervisor or 'it'}. The next one goes on.")
    if facts.asleep:
        says = f"{counted(facts.asleep, 'job waits', 'jobs wait')} for nothing that could ever wake them."
        return problem("jobs", says, "Cancel and retry them: outlast list status:waiting")
    return _queue(patient, [job.job_id for job in dead])


def _queue(patient: Patient, dead: list[str]) -> Finding:
    facts = patient.facts
    assert facts is not None
    if dead and patient.supervisor is None:
        says = f"The processes of {counted(len(dead), 'running job', 'running jobs')} are dead: {few(dead)}."
        return warning("jobs", says, f"A supervisor puts them back. {START}")
    waited = 0.0 if facts.due_since is None else (patient.now - facts.due_since) / 1000
    if patient.supervisor is not None and waited > LONG_SECONDS and not facts.running:
        says = f"A job has been due for {format_duration(waited)} while a supervisor lives and runs nothing."
        return warning("jobs", says, "It may run other queues only (--queue). logs/supervisor.log tells more.")
    return ok("jobs", "None is stuck.")


def code(patient: Patient) -> Finding:
    """Tell whether unfinished jobs wait for code, an interpreter or a directory that is gone."""
    specs = () if patient.facts is None else patient.facts.waiting_specs
    faults = ((spec.kind, number, code_fault(spec, NO_ARGS)) for spec, number in specs if spec.target)
    lacking = [f"{kind} ({number:,}): {fault.rstrip('.')}" for kind, number, fault in faults if fault]
    if lacking:
        fix = "Put it back, or cancel these jobs: outlast cancel --match kind:KIND"
        return warning("code", f"Unfinished jobs miss what they need. {few(lacking)}.", fix)
    return ok("code", "Unfinished jobs have what they need.")
