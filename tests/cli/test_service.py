"""`service install status uninstall`, with a program in systemd's place that notes what it is asked."""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.shell import Shell

SYSTEMCTL = """\
#!/bin/sh
echo "$@" >>"{notes}"
case " $* " in
  *" show "*) printf 'ActiveState=active\\nUnitFileState=enabled\\nMainPID=4711\\n' ;;
  *" {failing} "*) echo "Failed to connect to bus: No medium found" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def systemctl(shell: Shell, tmp_path: Path) -> Path:
    """Put a systemctl on the path; return the file in which it notes what it is asked."""
    return stand_in(shell, tmp_path, failing="nothing")


def stand_in(shell: Shell, directory: Path, *, failing: str) -> Path:
    programs, notes = directory / "programs", directory / "asked"
    programs.mkdir()
    (programs / "systemctl").write_text(SYSTEMCTL.format(notes=notes, failing=failing))
    (programs / "systemctl").chmod(0o755)
    shell.environment |= {
        "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "XDG_CONFIG_HOME": str(directory / "configuration"),
    }
    return notes


def units(directory: Path) -> list[Path]:
    return sorted((directory / "configuration").rglob("*.service"))


def asked(notes: Path) -> list[str]:
    return [line.removeprefix("--user ").split()[0] for line in notes.read_text().splitlines()]


def test_it_is_installed_started_shown_and_removed(shell: Shell, tmp_path: Path, systemctl: Path) -> None:
    said = shell.outlast("service", "install", "-c", "3", code=0)

    [path] = units(tmp_path)
    assert said.out == f"installed {path}\n"
    assert f"systemctl --user status {path.name}" in said.err
    assert "loginctl enable-linger" in said.err
    assert asked(systemctl) == ["show-environment", "daemon-reload", "enable"]
    [command] = re.findall("^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
    words = shlex.split(command)
    assert words[1:] == ["-P", "-m", "outlast", "--data-dir", str(shell.data_dir), "worker", "--concurrency", "3"]
    assert os.access(words[0], os.X_OK)

    shown = shell.outlast("service", "status", "--json", code=0).object
    assert shown == {"name": path.stem, "path": str(path), "active": "active", "enabled": "enabled", "pid": 4711}
    assert shell.outlast("service", "status", code=0).out == f"{path.stem}  active, enabled\n{path}\n"

    assert shell.outlast("service", "uninstall", code=0).out == f"removed {path}\n"
    assert units(tmp_path) == []
    assert asked(systemctl)[-2:] == ["disable", "daemon-reload"]


def test_the_command_of_the_unit_runs_a_worker(shell: Shell, tmp_path: Path, systemctl: Path) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id
    shell.outlast("service", "install", "--queue", "default", code=0)
    [command] = re.findall("^ExecStart=(.*)$", units(tmp_path)[0].read_text(), re.MULTILINE)

    shell.bash(f"cd / && {command} --drain")

    assert shell.outlast("show", job_id, "--json", code=0).object["status"] == "completed"


def test_installing_again_replaces_the_unit_and_leaves_nothing_beside_it(
    shell: Shell, tmp_path: Path, systemctl: Path
) -> None:
    shell.outlast("service", "install", code=0)
    shell.outlast("service", "install", "-c", "5", env={"OUTLAST_GRACE": "9s"}, code=0)

    [path] = units(tmp_path)
    assert os.listdir(path.parent) == [path.name]
    assert '"--concurrency" "5"' in path.read_text()
    assert 'Environment="OUTLAST_GRACE=9s"' in path.read_text()


def test_secrets_are_named_and_not_written(shell: Shell, tmp_path: Path, systemctl: Path) -> None:
    said = shell.outlast("service", "install", env={"OUTLAST_TOKEN": "hidden"}, code=0)

    assert "OUTLAST_TOKEN" in said.err
    assert "hidden" not in units(tmp_path)[0].read_text()


def test_print_prints_the_unit_and_does_nothing(shell: Shell, tmp_path: Path, systemctl: Path) -> None:
    said = shell.outlast("service", "install", "--print", code=0)

    assert said.out.startswith("# Made by `outlast service install`")
    assert said.out.endswith("[Install]\nWantedBy=default.target\n")
    assert units(tmp_path) == []
    assert not systemctl.exists()
    assert not shell.data_dir.exists()


@pytest.mark.parametrize("failing", ["show-environment", "enable"])
def test_a_systemd_that_does_not_answer_is_told_in_one_line(shell: Shell, tmp_path: Path, failing: str) -> None:
    stand_in(shell, tmp_path, failing=failing)

    error = shell.outlast("service", "install", "--json", code=2).error

    assert error["code"] == "refused"
    assert "Failed to connect to bus" in error["message"]
    assert "outlast worker" in error["fix"]
    assert len(units(tmp_path)) == (0 if failing == "show-environment" else 1)


def test_without_systemd_it_says_what_to_do(shell: Shell, tmp_path: Path) -> None:
    shell.environment |= {"PATH": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "configuration")}

    error = shell.outlast("service", "install", "--json", code=2).error

    assert error["message"] == "There is no systemd here (no systemctl)."
    assert units(tmp_path) == []


@pytest.mark.parametrize("word", ["status", "uninstall"])
def test_what_is_not_installed_is_not_found(shell: Shell, systemctl: Path, word: str) -> None:
    error = shell.outlast("service", word, "--json", code=4).error

    assert error["code"] == "not_found"
    assert error["fix"] == "outlast service install installs one."
