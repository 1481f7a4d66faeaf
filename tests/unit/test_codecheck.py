"""Whether a job's code is still there, told without running any of it."""

import sys
from pathlib import Path

import pytest

from outlast.codecheck import code_fault
from outlast.core.job import Home, Spec
from outlast.core.policies import Policy

NO_ARGS = '{"args":[],"kwargs":{}}'


def spec(target: str, directory: Path, kind: str = "demo", **home: object) -> Spec:
    fields: dict[str, object] = {"interpreter": sys.executable, "path": (str(directory),), "cwd": str(directory)}
    return Spec(kind=kind, target=target, policy=Policy(), home=Home(**{**fields, **home}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "source",
    [
        "def work(): pass",
        "async def work(): pass",
        "from outlast import job\nwork = job(print)",
        "try:\n    from fast import work\nexcept ImportError:\n    from slow import work",
        "from elsewhere import *",
        "import a.b as work",
        "if True:\n    for work in []: pass",
        "globals()['work'] = print",
        "def __getattr__(name): return print",
        "class work: pass",
        "with open('x') as work: pass",
        "raise SystemExit",
    ],
)
def test_a_function_that_may_be_there_is_no_fault(tmp_path: Path, source: str) -> None:
    (tmp_path / "jobs.py").write_text(source if "raise" not in source else f"work = 1\n{source}")

    assert code_fault(spec(f"{tmp_path}/jobs.py:work", tmp_path), NO_ARGS) == ""
    assert code_fault(spec("jobs:work", tmp_path), NO_ARGS) == ""


@pytest.mark.parametrize("source", ["", "def other():\n    def work(): pass", "work", "class C:\n    work = 1"])
def test_a_function_that_is_gone_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "jobs.py").write_text(source)

    assert code_fault(spec("jobs:work", tmp_path), NO_ARGS) == f"{tmp_path}/jobs.py has no work any more."


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    assert (
        code_fault(spec(f"{tmp_path}/jobs.py:work", tmp_path), NO_ARGS)
        == f"Its code, {tmp_path}/jobs.py, is not there."
    )
    assert code_fault(spec("jobs:work", tmp_path), NO_ARGS) == f"Its code, {tmp_path}/jobs.py, is not there."


def test_a_module_of_a_package_is_found_without_importing_the_package(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nobody may run this')")
    (package / "mail.py").write_text("def send(): pass")

    assert code_fault(spec("shop.mail:send", tmp_path), NO_ARGS) == ""
    assert "has no receive any more" in code_fault(spec("shop.mail:receive", tmp_path), NO_ARGS)
    assert "shop" not in sys.modules


def test_a_module_of_a_package_without_init_in_another_package_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "shop" / "mail"
    inner.mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").write_text("")
    (inner / "letters.py").write_text("def send(): pass")

    assert code_fault(spec("shop.mail.letters:send", tmp_path), NO_ARGS) == ""
    assert "has no receive any more" in code_fault(spec("shop.mail.letters:receive", tmp_path), NO_ARGS)


def test_a_syntax_error_is_told_only_of_our_own_python(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text("def work(:\n")
    other = tmp_path / "python"
    other.write_text("")
    other.chmod(0o755)

    assert "in line 1" in code_fault(spec("jobs:work", tmp_path), NO_ARGS)
    assert code_fault(spec("jobs:work", tmp_path, interpreter=str(other)), NO_ARGS) == ""


def test_interpreter_and_directory_must_be_there(tmp_path: Path) -> None:
    assert "is not there" in code_fault(spec("jobs:work", tmp_path, interpreter=f"{tmp_path}/python"), NO_ARGS)
    assert "is not there" in code_fault(spec("jobs:work", tmp_path, cwd=f"{tmp_path}/gone"), NO_ARGS)


def test_what_hooks_into_imports_or_is_our_own_is_not_judged(tmp_path: Path) -> None:
    assert code_fault(spec("outlast.pow.job:proof_of_work", tmp_path), NO_ARGS) == ""
    (tmp_path / "__editable___shop_finder.py").write_text("")
    assert code_fault(spec("shop.mail:send", tmp_path), NO_ARGS) == ""


def test_the_program_of_a_command_must_be_there(tmp_path: Path) -> None:
    command = spec("outlast.engine.jobside.command:run_command", tmp_path, kind="command")

    assert code_fault(command, '{"args":[],"kwargs":{"argv":["/bin/sh"]}}') == ""
    assert code_fault(command, '{"args":[],"kwargs":{"argv":["/bin/gone"]}}') == "Its program, /bin/gone, is not there."
    assert code_fault(command, "no json") == ""


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"\0", b"(" * 100_000, b"x = " + b"-" * 100_000 + b"1"])
def test_a_hostile_source_is_survived(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "jobs.py").write_bytes(text)

    assert isinstance(code_fault(spec("jobs:work", tmp_path), NO_ARGS), str)
