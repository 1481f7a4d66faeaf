"""The trials of the torture programme: which tests each runs, and how far they go in quick and in full size.

A size is environment variables that the tests read, and how often the tests are run. A variable that is already set
wins: `TORTURE_KILLS=20000 ./run torture full T1`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How far a trial goes: the variables of its tests, and how many times they are run."""

    variables: dict[str, str] = field(default_factory=dict)
    rounds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One row of the programme. `tests` are arguments of pytest; without root, `root` trials only skip."""

    name: str
    what: str
    tests: tuple[str, ...]
    full: Size
    quick: Size = Size()
    root: bool = False
    processes: int = 1
    """How many of its test files run at a time: those whose kills are aimed at moments run alone."""


TRIALS = (
    Trial(
        name="T1",
        what="kill -9 of client, supervisor, job process or all, at random moments",
        tests=("tests/torture/test_kills.py", "tests/torture/test_steering.py"),
        quick=Size(variables={"TORTURE_KILLS": "300", "TORTURE_ACTS": "100"}),
        full=Size(variables={"TORTURE_KILLS": "5000", "TORTURE_ACTS": "500"}),
    ),
    Trial(
        name="T2",
        what="kill -9 at every system call of every operation",
        tests=(
            "tests/contract/test_killed_at_every_syscall.py",
            "tests/jobstate/test_strikes.py",
            "tests/crash/test_every_call.py",
            "tests/crash/test_repairs.py",
        ),
        quick=Size(variables={"TORTURE_STRIDE": "12"}),
        full=Size(variables={"TORTURE_STRIKES": "1", "TORTURE_STRIDE": "1"}),
        processes=2,
    ),
    Trial(
        name="T3",
        what="every state in which a power cut may leave the disk",
        tests=("tests/torture/test_crash_states.py", "tests/jobstate/test_power_cuts.py"),
        quick=Size(variables={"TORTURE_STORE_STATES": "10"}),
        full=Size(variables={"TORTURE_STORE_STATES": "400", "TORTURE_STATES": "400"}),
        processes=2,
    ),
    Trial(
        name="T3b",
        what="real power cuts on ext4 and XFS under load",
        tests=("tests/torture/test_pulled_plugs.py",),
        quick=Size(variables={"TORTURE_CUTS": "10"}),
        full=Size(variables={"TORTURE_CUTS": "200"}),
        root=True,
    ),
    Trial(
        name="T4",
        what="EIO, ENOSPC, EROFS, EMFILE, ESTALE, ENOLCK, short writes at every call, once and for ever",
        tests=("tests/contract/test_faults.py", "tests/jobstate/test_strikes.py", "-k", "not killed"),
        full=Size(variables={"TORTURE_STRIKES": "1"}),
        processes=2,
    ),
    Trial(
        name="T5",
        what="kills and faults during recovery, three deep",
        tests=("tests/torture/test_recoveries.py",),
        quick=Size(variables={"TORTURE_RECOVERIES": "34"}),
        full=Size(variables={"TORTURE_RECOVERIES": "1700"}),
    ),
    Trial(
        name="T6",
        what="any calls in any order, against a small model with a clock of its own",
        tests=("tests/torture/test_model.py", "tests/jobstate/test_model.py"),
        quick=Size(variables={"TORTURE_EXAMPLES": "500"}),
        full=Size(variables={"TORTURE_EXAMPLES": "10000"}),
        processes=2,
    ),
    Trial(
        name="T7",
        what="a full disk: what is saved stays, and all goes on when there is room",
        tests=("tests/crash/test_full_disk.py",),
        quick=Size(variables={"TORTURE_DISKS": "3"}),
        full=Size(variables={"TORTURE_DISKS": "50"}),
        root=True,
        processes=2,
    ),
    Trial(
        name="T9",
        what="reused pids, a new boot, pid 1: a stranger is never killed",
        tests=("tests/engine/test_strangers.py",),
        full=Size(rounds=25),
        processes=2,
    ),
    Trial(
        name="T10",
        what="clocks that jump, daylight saving, midnight, simulated days of checklists",
        tests=("tests/jobstate/test_days.py", "tests/crash/test_schedules.py"),
        full=Size(variables={"TORTURE_DAYS": "2000"}),
        processes=2,
    ),
    Trial(
        name="T13",
        what="damage to every file of the store and of checklists",
        tests=("tests/torture/test_corruption.py", "tests/jobstate/test_damage.py"),
        full=Size(variables={"TORTURE_FLIPS": "20000"}),
        processes=2,
    ),
    Trial(
        name="T14",
        what="hostile names, processes and kills: no finished activity is done again",
        tests=("tests/jobstate/test_torture.py", "tests/jobstate/test_names.py"),
        full=Size(
            variables={"TORTURE_NAMES": "20000", "TORTURE_SCRIPT_KILLS": "400", "TORTURE_COMPLETIONS": "1000"},
        ),
    ),
    Trial(
        name="T15",
        what="hostile jobs, with and without a kill of the supervisor",
        tests=(
            "tests/engine/test_hostile_code.py",
            "tests/engine/test_hostile_deaths.py",
            "tests/engine/test_hostile_jobs.py",
            "tests/engine/test_greedy_jobs.py",
            "tests/engine/test_oom.py",
        ),
        quick=Size(variables={"TORTURE_FORKED": "1"}),
        full=Size(variables={"TORTURE_FORKED": "1"}, rounds=5),
        processes=3,
    ),
    Trial(
        name="T17",
        what="a million progress updates, many tiny jobs, a long reader: the WAL stays bounded",
        tests=("tests/torture/test_floods.py",),
        quick=Size(variables={"TORTURE_UPDATES": "1000000", "TORTURE_TINY": "2000"}),
        full=Size(variables={"TORTURE_UPDATES": "1000000", "TORTURE_TINY": "100000"}),
    ),
    Trial(
        name="T18",
        what="a second supervisor, commands, doctor, prune and backup at once, under kills",
        tests=("tests/torture/test_company.py",),
        quick=Size(variables={"TORTURE_COMPANY_KILLS": "100"}),
        full=Size(variables={"TORTURE_COMPANY_KILLS": "1500"}),
    ),
    Trial(
        name="T20",
        what="stores and exports of every earlier version",
        tests=("tests/formats/test_stored.py", "tests/formats/test_old_view.py"),
        full=Size(),
        processes=2,
    ),
)

ELSEWHERE = {
    "T8": "frozen and thawed hosts: comes with the PostgreSQL store",
    "T11": "one key sent a hundred times, lost answers: comes with the PostgreSQL store",
    "T12": "death and loss of the database server: comes with the PostgreSQL store",
    "T19": "schemathesis, JSON-RPC fuzz, attack requests: come with the HTTP and MCP servers",
    "T22": "the same torture for other job libraries: part of the benchmarks",
}
"""Trials of the programme that are not about this store on this machine, and why."""
