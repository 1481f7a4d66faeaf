"""A pytest plugin: with CI=true a test may only be skipped for a reason that `allowed_skips.txt` lists.

A check that silently stops running is worse than none. On a developer's machine a skip is only shown (`-ra`).
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

ALLOWED_FILE = Path(__file__).with_name("allowed_skips.txt")


def allowed_reasons(text: str) -> frozenset[str]:
    """Return the reasons of the list: one a line; blank lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def unlisted(reasons: Iterable[str], allowed: frozenset[str]) -> list[str]:
    """Return the reasons that are not allowed, each once, sorted."""
    return sorted(set(reasons) - allowed)


class SkipKeeper:
    """Collects the reason of every skip and fails the run at its end if one is not listed."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._reasons: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report.longrepr)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if unlisted(self._reasons, self._allowed) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for reason in unlisted(self._reasons, self._allowed):
            line = f"ERROR: skipped for a reason that {ALLOWED_FILE.name} does not list: {reason}"
            terminalreporter.write_line(line, red=True)

    def _note(self, longrepr: object) -> None:
        text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        self._reasons.append(str(text).removeprefix("Skipped: "))


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(SkipKeeper(allowed_reasons(ALLOWED_FILE.read_text())))
