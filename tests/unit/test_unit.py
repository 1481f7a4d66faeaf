"""The unit of a worker: systemd and launchd read back exactly what was meant, whatever is in a path."""

import plistlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from outlast.core.errors import UsageError
from outlast.settings import load_settings
from outlast.unit import Unit, launchd_text, systemd_text, unit_of

HOSTILE = [
    "/srv/jobs",
    "/srv/with space",
    "/srv/100%h of %%",
    "/srv/$HOME ${HOME} $$",
    "/srv/\"quoted\" 'twice'",
    "/srv/back\\slash \\x41 \\",
    "/srv/new\nline\ttab",
    "/srv/; rm -rf ; #",
    "/srv/ümlaut \u202e \u200b \U0001f600",
    "/srv/-P",
    "/srv/no-utf8-\udcff",
]
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t"}


def unit(directory: str, environment: Mapping[str, str] | None = None, program: str = "/usr/bin/python3") -> Unit:
    return Unit(
        name="outlast-x",
        directory=directory,
        command=(program, "-P", "-m", "outlast", "--data-dir", directory, "worker"),
        environment=environment or {},
        stop_seconds=35,
        secrets=(),
    )


def words_of(line: str, *, variables: bool) -> list[str]:
    """Return the words of a line of a unit, read as systemd.syntax(7) and systemd.unit(5) say."""
    words: list[str] = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
        raw = re.sub(
            r"\\x([0-9a-f]{2})|\\.",
            lambda found: chr(0x10FF00 + int(found[1], 16)) if found[1] else _UNESCAPED[found[0]],
            quoted,
        )
        text = raw.replace("%%", "%")
        text = text.replace("$$", "$") if variables and words else text
        data = b"".join(
            bytes([ord(character) - 0x10FF00]) if ord(character) >= 0x10FF00 else character.encode()
            for character in text
        )
        words.append(data.decode("utf-8", "surrogateescape"))
    return words


def line_of(text: str, name: str) -> str:
    [line] = [line for line in text.split("\n") if line.startswith(f"{name}=")]
    return line.removeprefix(f"{name}=")


@pytest.mark.parametrize("directory", HOSTILE)
def test_systemd_reads_back_the_command_and_the_settings(directory: str) -> None:
    made = unit(directory, {"OUTLAST_ON_END": directory})

    text = systemd_text(made)

    assert tuple(words_of(line_of(text, "ExecStart"), variables=True)) == made.command
    assert words_of(line_of(text, "Environment"), variables=False) == [f"OUTLAST_ON_END={directory}"]
    assert all(line.isprintable() and not line.endswith("\\") for line in text.split("\n"))
    assert not re.search(r"%(?!%)", text.replace("%%", ""))


def test_the_reading_of_the_test_notices_what_is_not_escaped() -> None:
    assert words_of('"a" "$$HOME %%h \\x41\\n"', variables=True) == ["a", "$HOME %h A\n"]
    with pytest.raises(KeyError):
        words_of('"\\q"', variables=False)


@pytest.mark.parametrize("program", ["python3", '/a b/py"thon', "/a\\b/python", "/a\nb/python"])
def test_a_program_that_systemd_cannot_start_is_refused(program: str) -> None:
    with pytest.raises(UsageError, match="cannot start"):
        systemd_text(unit("/srv", program=program))


@pytest.mark.parametrize("directory", HOSTILE[:-1])
def test_launchd_reads_back_the_command(directory: str) -> None:
    made = unit(directory, {"OUTLAST_ON_END": directory})

    agent = plistlib.loads(launchd_text(made))

    assert tuple(agent["ProgramArguments"]) == made.command
    assert agent["EnvironmentVariables"] == {"OUTLAST_ON_END": directory}
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.parametrize("directory", [HOSTILE[-1], "/srv/\x01"])
def test_a_path_that_no_agent_can_hold_is_refused(directory: str) -> None:
    with pytest.raises(UsageError, match="cannot stand in an agent"):
        launchd_text(unit(directory))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
@pytest.mark.parametrize("directory", ["/srv/100%h of %%", '/srv/"quoted" $HOME \\ ;', "/srv/new\nline"])
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path, directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = tmp_path / "outlast-x.service"
    path.write_text(systemd_text(unit(directory, {"OUTLAST_ON_END": directory}, program="/bin/true")))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_keeps_the_settings_in_force_but_no_secrets(tmp_path: Path) -> None:
    environment = {
        "OUTLAST_GRACE": "7s",
        "OUTLAST_APP": "jobs.py",
        "OUTLAST_TOKEN": "hidden",
        "DATABASE_URL": "postgresql://me:hidden@db.example/x",
        "OUTLAST_STORE": "sqlite:///srv/jobs.db",
    }
    (tmp_path / "outlast.toml").write_text("concurrency = 3\n")
    settings = load_settings({"JOBS_DATA_DIR": str(tmp_path / "jobs")}, environment, tmp_path)

    made = unit_of(settings, ["--queue", "mail"])

    assert made.environment == {
        "OUTLAST_CONCURRENCY": "3",
        "OUTLAST_GRACE": "7s",
        "OUTLAST_STORE": "sqlite:///srv/jobs.db",
    }
    assert made.secrets == ("DATABASE_URL", "OUTLAST_TOKEN")
    assert made.command[-4:] == (str(tmp_path / "jobs"), "worker", "--queue", "mail")
    assert "hidden" not in systemd_text(made) + launchd_text(made).decode()
    assert made.stop_seconds == 37


def test_each_data_directory_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = set()
    for directory in HOSTILE:
        settings = load_settings({"JOBS_DATA_DIR": directory}, {}, tmp_path)
        name = unit_of(settings, []).name
        assert re.fullmatch(r"outlast-[a-z0-9-]{1,24}-[0-9a-f]{8}", name)
        names.add(name)

    assert len(names) == len(HOSTILE)
