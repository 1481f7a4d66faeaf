"""Waiting until the chain is old enough: without a process, and with one look for all that wait."""

from datetime import UTC, datetime
from math import ceil
from typing import Any

from outlast import Gauge
from outlast.pow import rules
from outlast.pow.chain.heights import Height, Simulated
from outlast.pow.record import Record
from outlast.pow.request import check_height
from outlast.pow.work import Work

LOOK_SECONDS = 5.0
"""How often one of all that wait looks at the height."""
UNKNOWN = -1


def until_known(work: Work) -> Height:
    """Return the height; wait while no source has ever told one."""
    height = work.look()
    while height is None:
        work.save()
        _wait_for_height(work, reaches=0, target_age=None)
        height = work.look()
    return height


def until_age(work: Work, age: int, height: Height) -> None:
    """Wait until the chain has this age. Raise CannotBegin if the height stands still."""
    if work.request.block_height is not None:
        start, bound = work.block_start, work.zeros_to_start
        check_height(work.request, block_start=start, height=height.value, zeros_to_start=bound)
    work.save()
    if isinstance(work.heights, Simulated):
        _wait_for_moment(work, work.heights, age, height)
    else:
        _wait_for_height(work, reaches=work.block_start + age, target_age=age)
    work.change(waits=work.record.waits + 1)


def _wait_for_height(work: Work, *, reaches: int, target_age: int | None) -> None:
    def read() -> int:
        height = work.look()
        work.save()
        return UNKNOWN if height is None else height.value

    start = work.block_start
    shows = {} if target_age is None else {"current_age": (1, -start), "blocks_remaining": (-1, reaches)}
    info: dict[str, Any] = {"waits_for": "a block height"} if target_age is None else {"target_age": target_age}
    gauge = Gauge(name=work.gauge, reaches=reaches, shows=shows)
    work.ctx.wait(until=read, gauge=gauge, every=LOOK_SECONDS, name=_name(work.record), **info)


def _wait_for_moment(work: Work, chain: Simulated, age: int, height: Height) -> None:
    """Wait in a chain that is none: when it will be old enough is known."""
    left = max(0, age - work.age_at(height))
    moment = chain.simulation.moment_of(work.block_start + age)
    at = datetime.fromtimestamp(ceil(moment * 1000) / 1000, UTC)
    info: dict[str, Any] = {"current_age": work.age_at(height), "target_age": age, "blocks_remaining": left}
    work.ctx.wait(at=at, name=_name(work.record), **info)


def _name(record: Record) -> str:
    return f"height {record.waits}"


def next_fall(zeros: int, difficulty_range: int) -> int | None:
    """Return the age at which fewer zeros are needed, None if that never comes."""
    return rules.age_for(zeros - 1, difficulty_range) if zeros > 1 else None
