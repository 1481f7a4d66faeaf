"""Account × day, as characters: how much of a day was done."""

from collections.abc import Sequence

from outlast.clients.render.jobs import Screen
from outlast.clients.render.progress import percent
from outlast.clients.render.text import fit, pad, visible
from outlast.jobstate.days import days_between
from outlast.jobstate.report import AccountReport, Rate, Report

NOTHING_PLANNED = " "
LEVELS = ((0.0, "·", "red"), (0.5, "░", "yellow"), (0.75, "▒", "yellow"), (0.9999, "▓", "green"), (1.0, "█", "green"))
"""Up to which rate which character, and its colour."""
LEGEND = "█ all  ▓ 75 % and more  ▒ 50 %  ░ less  · nothing done"
LEAST_LABEL = 10
_RATE_WIDTH = 6
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def cell(rate: Rate | None) -> tuple[str, str]:
    """Return the character of a day, and its colour."""
    if rate is None or rate.fraction is None:
        return NOTHING_PLANNED, ""
    fraction = rate.fraction
    return next((character, colour) for most, character, colour in LEVELS if fraction <= most)


def heat_map(report: Report, screen: Screen) -> list[str]:
    """Return the map: a row for each account, a column for each day; the newest days that fit."""
    width = max(LEAST_LABEL, *(len(visible(each.account)) for each in report.accounts))
    days = days_between(report.first, report.today)
    width = min(width, max(LEAST_LABEL, screen.width - _RATE_WIDTH - 1 - len(days)))
    days = days[-(screen.width - width - _RATE_WIDTH - 1) :]
    lines = [f"{' ' * width} {_months(days)}".rstrip()]
    for each in report.accounts:
        label = pad(fit(visible(each.account), width), width)
        lines.append(f"{label} {_row(each, days, screen)} {_rate(each):>{_RATE_WIDTH - 1}}")
    return [*lines, screen.paint(" " * (width + 1) + LEGEND, "dim")]


def _row(account: AccountReport, days: Sequence[str], screen: Screen) -> str:
    cells = (cell(account.days.get(day)) for day in days)
    return "".join(screen.paint(character, colour) for character, colour in cells)


def _rate(account: AccountReport) -> str:
    return "" if account.rate.fraction is None else percent(account.rate.fraction)


def _months(days: Sequence[str]) -> str:
    """Return the names of months above their first day, where there is room."""
    text = ""
    for number, day in enumerate(days):
        begins = number == 0 or day[8:] == "01"
        name = _MONTHS[int(day[5:7]) - 1]
        if begins and number >= len(text) and number + len(name) <= len(days):
            text = pad(text, number) + name + " "
    return text.rstrip()
