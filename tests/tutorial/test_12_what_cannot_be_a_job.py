"""12. A job process must find the function again: what it could not find is refused at once, with the reason."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast import Outlast, job
from outlast.core.errors import NotImportable, UsageError
from tests.workshop import Workshop


class Shop:
    def opens(self) -> None:
        """Look like a job."""


def yields() -> Iterator[int]:
    yield 1


def closure() -> Callable[[], None]:
    def inner() -> None:
        """Look like a job."""

    return inner


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (lambda: 1, "<lambda>' cannot be found by another process"),
        (closure(), r"closure\.<locals>\.inner' cannot be found by another process"),
        (yields, "yields is a generator"),
        (Shop().opens, r"Shop\.opens' cannot be found by another process"),
        (len, "len' cannot be found by another process"),
        (Shop, "Shop' cannot be found by another process"),
    ],
)
def test_functions_that_cannot_be_found_again_are_refused(outlast: Outlast, fn: Callable[..., Any], told: str) -> None:
    with pytest.raises(NotImportable, match=told):
        outlast.submit(fn)
    with pytest.raises(NotImportable, match=told):
        job(fn)


def test_a_parameter_must_not_be_called_like_a_word_of_submit() -> None:
    def letter(key: str) -> None:
        """Look like a job."""

    letter.__qualname__ = "letter"
    with pytest.raises(UsageError, match="letter has a parameter 'key', which is a word of submit"):
        job(letter)


SCRIPT = """
from outlast import Outlast, job

@job
def doubles(number: int) -> int:
    return number * 2

if __name__ == "__main__":
    print(doubles.submit(21).result(timeout=20))
"""
PARENT = """
from outlast import Context, job

@job
def child(number: int) -> int:
    return number * 2

@job
def parent(ctx: Context, number: int) -> int:
    return child.submit(number, key=ctx.job_id).result()

if __name__ == "__main__":
    print(parent.submit(21).result(timeout=20))
"""
UNGUARDED = SCRIPT.replace('if __name__ == "__main__":\n    ', "")
PLAIN = """
import json, sys
from outlast import Outlast
from outlast.core.errors import OutlastError

def doubles(number: int) -> int:
    return number * 2

try:
    Outlast().submit(doubles, 21)
except OutlastError as error:
    print(json.dumps([type(error).__name__, error.message]))
"""


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python as a person would."""
    return subprocess.run([sys.executable, *arguments], input=stdin, capture_output=True, text=True, timeout=60)


def test_a_script_submits_functions_of_its_own_file(workshop: Workshop, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    ended = run(str(script))

    assert (ended.stdout, ended.stderr) == ("42\n", "")


def test_a_job_of_a_script_submits_another_one_of_the_same_file(workshop: Workshop, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PARENT)

    ended = run(str(script))

    assert (ended.stdout, ended.stderr) == ("42\n", "")


def test_a_module_run_with_m_submits_functions_of_its_own(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "script.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)

    assert run("-m", "package.script").stdout == "42\n"


def test_a_script_that_submits_whenever_it_is_imported_is_refused_and_told_how_to_mend_it(
    workshop: Workshop, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)

    ended = run(str(script))

    assert ended.returncode == 1
    assert "JobFailed" in ended.stderr
    assert 'Put the call under if __name__ == "__main__":' in ended.stderr
    assert workshop.outlast.count() == 1, "it did not submit itself again"


@pytest.mark.parametrize(("arguments", "stdin"), [(("-c", PLAIN), ""), (("-",), PLAIN)], ids=["-c", "stdin"])
def test_code_that_lives_in_no_file_is_refused(arguments: tuple[str, ...], stdin: str) -> None:
    ended = run(*arguments, stdin=stdin)

    name, message = json.loads(ended.stdout)
    assert name == "NotImportable"
    assert message == "doubles lives in no file (a notebook, an interactive session, stdin or -c)."
