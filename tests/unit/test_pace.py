"""Which jobs may be handed over ahead of time: those known to be short, and harmless to run twice."""

from outlast.core.job import Home, Spec
from outlast.core.policies import Policy
from outlast.engine.pace import Pace


def spec(policy: Policy | None = None) -> Spec:
    home = Home(interpreter="python", path=(), cwd="/")
    return Spec(kind="k", target="m:f", policy=policy or Policy(), home=home)


def paced(*milliseconds: float) -> Pace:
    pace = Pace()
    for time in milliseconds:
        pace.note(spec(), time)
    return pace


def test_a_function_is_short_once_enough_of_its_jobs_were() -> None:
    assert paced(1, 1, 1, 1).weight(spec()) == 1
    assert paced(1, 1, 1, 1, 1).weight(spec()) < 1


def test_one_long_job_does_not_make_a_function_long_but_most_do() -> None:
    assert paced(1, 1, 1, 1, 60_000).weight(spec()) < 1
    assert paced(1, 1, 50, 50, 50).weight(spec()) == 1


def test_only_the_last_jobs_count() -> None:
    assert paced(*[1] * 100, *[50] * 5).weight(spec()) == 1


def test_jobs_with_a_time_limit_or_that_must_not_run_twice_wait_for_a_process() -> None:
    pace = paced(1, 1, 1, 1, 1)

    assert pace.weight(spec(Policy(timeout_seconds=10))) == 1
    assert pace.weight(spec(Policy(on_interrupt="fail"))) == 1
