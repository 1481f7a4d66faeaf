"""How far a job is, in words and as a bar."""

from outlast.clients.render.times import span
from outlast.core.job import Job, Progress
from outlast.core.status import Status
from outlast.core.view import eta_seconds

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(fraction: float, width: int) -> str:
    """Return a bar of `width` columns, in steps of an eighth of a column."""
    eighths = int(min(max(fraction, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "░")


def fraction_of(progress: Progress) -> float | None:
    """Return done / total within 0..1, None if it is not known."""
    if progress.done is None or not progress.total or progress.total <= 0:
        return None
    return min(max(progress.done / progress.total, 0.0), 1.0)


def percent(fraction: float) -> str:
    """Return whole percent, rounded down: 100 % is only said when it is reached."""
    return f"{int(fraction * 100)}%"


def short_progress(progress: Progress, bar_width: int = 8) -> str:
    """Return what fits a table: `████░░░░ 52% ~4m`, or `1,234 done`, or the message."""
    fraction = fraction_of(progress)
    if fraction is not None:
        left = eta_seconds(progress)
        words = f"{bar(fraction, bar_width)} {percent(fraction)}"
        return f"{words} ~{span(left).partition(' ')[0]}" if left and left >= 1 else words
    if progress.done is not None:
        return f"{number(progress.done)} done"
    return progress.message or ""


def full_progress(job: Job, bar_width: int = 20) -> str:
    """Return everything but the message: bar, percent, done of total; while the job runs, also rate and time left."""
    progress = job.progress
    if progress is None:
        return ""
    fraction = fraction_of(progress)
    parts = [] if fraction is None else [f"{bar(fraction, bar_width)} {percent(fraction)}"]
    if progress.done is not None:
        total = "" if progress.total is None else f" of {number(progress.total)}"
        parts.append(f"{number(progress.done)}{total}")
    is_running = job.status is Status.RUNNING
    if is_running and progress.rate:
        parts.append(rate(progress.rate))
    if is_running and (left := eta_seconds(progress)) is not None and left >= 1:
        parts.append(f"{span(left)} left")
    return ", ".join(parts)


def number(value: float) -> str:
    """Return `1,234,567`, `0.25`."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"


def rate(per_second: float) -> str:
    """Return `12/s`, or `3/min` and `2/h` for what is slow."""
    for factor, unit in ((1, "s"), (60, "min")):
        if per_second * factor >= 0.95:
            return f"{_short(per_second * factor)}/{unit}"
    return f"{_short(per_second * 3600)}/h"


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
