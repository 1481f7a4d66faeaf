"""Code that cannot be imported, is gone, or has changed since: the job says so, and the next one runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast.client import Handle, new_job
from outlast.core.codec import encode
from outlast.core.errors import NotStorable, OutlastError
from outlast.core.job import Job, Spec
from outlast.core.status import Reason, Status
from outlast.functions import home_of_this_process, make_policy
from tests.engine import hostile
from tests.waiting import eventually
from tests.workshop import Workshop

GOOD = """
from outlast import Context

def work(ctx: Context, sign: str) -> str:
    ctx.step("begun", int)
    ctx.wait(until=lambda: __import__("os").path.exists(sign), every="2100ms")
    return "{word}"
"""


class Code:
    """A module of its own directory, as its author has it on disk."""

    def __init__(self, workshop: Workshop, directory: Path) -> None:
        self._workshop = workshop
        self._directory = directory
        self.file = directory / "authored.py"
        self.sign = directory / "sign"

    def submit(self, *args: Any, target: str = "authored:work") -> Handle:
        """Submit a job of the code, whatever is there."""
        home = home_of_this_process(first_path=str(self._directory))
        spec = Spec(kind="work", target=target, policy=make_policy(max_crashes=1), home=home)
        return self._workshop.outlast.submit_spec(new_job(spec, encode({"args": args, "kwargs": {}}, "arguments")))

    def ended(self, *args: Any, target: str = "authored:work") -> Job:
        return self._workshop.until_ended(self.submit(*args, target=target))

    def parked(self) -> Handle:
        """Submit the good version; return it once it waits."""
        self.file.write_text(GOOD.format(word="old"))
        handle = self.submit(str(self.sign))
        self._workshop.until(handle, "waiting")
        return handle


@pytest.fixture
def code(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Code]:
    """Return code that a test may break, in a store where one job runs at a time."""
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")
    directory = tmp_path / "code"
    directory.mkdir()
    yield Code(workshop, directory)
    assert workshop.submit(hostile.look_around).result(timeout=20)["children"] == ""


@pytest.mark.parametrize(
    ("source", "reason", "error"),
    [
        ("def work(:\n", Reason.ERROR, r"SyntaxError: .*authored\.py, line 1.*"),
        ("raise ValueError('at import')\n", Reason.ERROR, "ValueError: at import"),
        ("import nothing_of_that_name\n", Reason.ERROR, ".*No module named 'nothing_of_that_name'.*"),
        ("import sys\nsys.exit()\n", Reason.ERROR, r"NotImportable: authored calls sys\.exit\(None\) when .*"),
        ("import sys\nsys.exit('no')\n", Reason.ERROR, r"NotImportable: authored calls sys\.exit\('no'\) when .*"),
        ("import os\nos._exit(0)\n", Reason.CRASH, "exit code 0 before the job had ended"),
        ("import os\nos._exit(3)\n", Reason.CRASH, "exit code 3"),
        ("raise KeyboardInterrupt\n", Reason.ERROR, "KeyboardInterrupt"),
        ("\0\n", Reason.ERROR, "(Syntax|Value)Error: .*null bytes.*"),
        ("x = '\udcff'\n", Reason.ERROR, "SyntaxError: .*"),
        ("x = 1\n", Reason.ERROR, "NotImportable: authored has no 'work' any more.*"),
        ("work = None\n", Reason.ERROR, "NotImportable: authored has no 'work' any more.*"),
        ("work = 5\n", Reason.ERROR, "TypeError: .*"),
        (
            "from outlast import job\n@job\ndef work(): pass\nwork.submit()\n",
            Reason.ERROR,
            "Refused: .* was submitted while its own file was being imported.*if __name__ == .*",
        ),
    ],
    ids=lambda value: value[:20].strip() if isinstance(value, str) and "\n" in value else "",
)
def test_a_module_that_cannot_be_imported_fails_its_job_with_the_cause(
    workshop: Workshop, code: Code, source: str, reason: Reason, error: str
) -> None:
    code.file.write_text(source, errors="surrogateescape")

    ended = code.ended()

    assert (ended.status, ended.reason, ended.attempt) == (Status.FAILED, reason, 1)
    assert re.fullmatch(error, ended.error or "", re.DOTALL), ended.error
    assert workshop.outlast.count("kind:work") == 1


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("authored:work", "NotImportable: authored cannot be imported: No module named 'authored'"),
        ("/nowhere/authored.py:work", "NotImportable: /nowhere/authored.py is not there any more"),
        ("a.b.c:work", "NotImportable: a.b.c cannot be imported"),
    ],
)
def test_code_that_is_gone_is_named(code: Code, target: str, error: str) -> None:
    ended = code.ended(target=target)

    assert (ended.status, ended.reason) == (Status.FAILED, Reason.ERROR)
    assert (ended.error or "").startswith(error)


def test_a_job_whose_module_is_mended_succeeds_when_it_is_retried(workshop: Workshop, code: Code) -> None:
    code.file.write_text("def work(:\n")
    broken = workshop.until_ended(handle := code.submit())

    code.file.write_text("def work() -> int:\n    return 1\n")
    handle.retry()

    assert broken.status is Status.FAILED
    assert handle.result(timeout=20) == 1


@pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])
def test_code_that_changed_meanwhile_goes_on_in_its_new_version(workshop: Workshop, code: Code, killed: bool) -> None:
    handle = code.parked()

    code.file.write_text(GOOD.format(word="new one"))
    if killed:
        workshop.kill_supervisor()
        workshop.start_supervisor()
    code.sign.touch()

    assert handle.result(timeout=20) == "new one"
    assert workshop.job(handle).tries == 0


def test_code_that_vanished_meanwhile_fails_and_can_be_put_back(workshop: Workshop, code: Code) -> None:
    handle = code.parked()

    code.file.unlink()
    code.sign.touch()
    gone = workshop.until_ended(handle)
    code.file.write_text(GOOD.format(word="back"))
    handle.retry()

    assert (gone.status, gone.reason) == (Status.FAILED, Reason.ERROR)
    assert (gone.error or "").startswith("NotImportable: authored cannot be imported")
    assert handle.result(timeout=20) == "back"


def test_a_function_that_lost_its_name_meanwhile_is_named(workshop: Workshop, code: Code) -> None:
    handle = code.parked()

    code.file.write_text(GOOD.format(word="renamed").replace("def work", "def labour"))
    code.sign.touch()

    assert (workshop.until_ended(handle).error or "").startswith("NotImportable: authored has no 'work' any more")


def test_a_function_that_takes_other_arguments_now_says_so(workshop: Workshop, code: Code) -> None:
    handle = code.parked()

    code.file.write_text("def work(one: int, two: int, three: int) -> None: ...\n")
    code.sign.touch()

    assert (workshop.until_ended(handle).error or "").startswith("TypeError: work() missing 2 required positional")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda: 1, r"arguments\.args\[0\] is a function"),
        (iter(()), r"arguments\.args\[0\] is a tuple_iterator"),
        ([1, float("nan")], r"arguments\.args\[0\]\[1\] is nan"),
        ({"a": float("-inf")}, r"arguments\.args\[0\]\.a is -inf"),
        (b"x", r"arguments\.args\[0\] is a bytes"),
        ({"when": __import__("datetime").datetime.min}, r"arguments\.args\[0\]\.when is a datetime"),
        (__import__("decimal").Decimal(1), r"arguments\.args\[0\] is a Decimal"),
        ({1}, r"arguments\.args\[0\] is a set"),
        ({1: 2}, r"arguments\.args\[0\] has a key that is a int"),
        ("\ud800", "arguments holds a lone surrogate"),
        (10**5_000, r"arguments\.args\[0\] is a number of more than 4,300 digits"),
        ("x" * 100_000_000, r"arguments is 100,000,\d+ bytes of JSON; the most is 16,777,216"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_arguments_that_are_not_json_are_refused_at_submit(workshop: Workshop, value: Any, told: str) -> None:
    with pytest.raises(NotStorable, match=told):
        workshop.submit(hostile.linger, value)

    assert workshop.outlast.count() == 0


def test_a_socket_is_no_argument_either(workshop: Workshop) -> None:
    import socket

    with socket.socket() as peer, pytest.raises(OutlastError, match=r"arguments\.args\[0\] is a socket"):
        workshop.submit(hostile.linger, peer)

    eventually(lambda: workshop.outlast.count() == 0, what="nothing to be stored")
