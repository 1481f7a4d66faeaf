"""In CI a test may only be skipped for a listed reason; elsewhere a skip is only shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import ALLOWED_FILE, allowed_reasons, unlisted

ROOT = Path(__file__).resolve().parents[2]
LISTED = sorted(allowed_reasons(ALLOWED_FILE.read_text()))


def run_pytest(directory: Path, body: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    test = directory / "test_it.py"
    test.write_text(f"import pytest\n{body}\ndef test_passes():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "tests.skips", "-p", "no:cacheprovider"]
    place = ["-c", os.devnull, "--rootdir", str(directory), str(test)]
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, *place], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def skipping(reason: str) -> str:
    return f"@pytest.mark.skip(reason={reason!r})\ndef test_skipped():\n    pass\n"


def test_the_list_is_one_reason_a_line_with_comments() -> None:
    assert allowed_reasons("# why\n\nneeds a moon\n  needs tides \n#x\n") == {"needs a moon", "needs tides"}


def test_each_unlisted_reason_counts_once() -> None:
    assert unlisted(["b", "a", "b", "listed"], frozenset({"listed"})) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        skipping("needs a moon"),
        "@pytest.fixture\ndef moon():\n    pytest.skip('needs a moon')\ndef test_skipped(moon):\n    pass\n",
        "def test_skipped():\n    pytest.skip('needs a moon')\n",
        "pytest.skip('needs a moon', allow_module_level=True)\n",
    ],
    ids=["by mark", "in a fixture", "in the test", "whole module"],
)
def test_an_unlisted_skip_fails_in_ci_and_is_named(tmp_path: Path, body: str) -> None:
    done = run_pytest(tmp_path, body, ci="true")

    assert done.returncode != 0
    assert "skipped for a reason that allowed_skips.txt does not list: needs a moon" in done.stdout


def test_a_listed_skip_passes_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, skipping(LISTED[0]), ci="true")

    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_an_unlisted_skip_is_only_shown_elsewhere(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, skipping("needs a moon"), ci="")

    assert done.returncode == 0
    assert "needs a moon" in done.stdout
    assert "allowed_skips.txt" not in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    body = "@pytest.mark.xfail(reason='known')\ndef test_fails():\n    assert False\n"

    assert run_pytest(tmp_path, body, ci="true").returncode == 0
