"""The worker as a service of the system: what is written for systemd, and for launchd on macOS."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outlast.core.digests import sha256
from outlast.core.errors import UsageError
from outlast.settings import BY_VARIABLE, Settings

STOP_SECONDS = 30
"""What a worker may take to leave beyond the grace time of its jobs."""
AGAIN_SECONDS = 10
"""After so long a worker that ended is started again: it may only have found that another one is at work."""
_NOT_KEPT = frozenset({"JOBS_DATA_DIR", "OUTLAST_APP"})
"""The first is an option of the command, the second may be a path of where one stands now."""
_LONGEST_WORD = 24
_ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%", "\n": "\\n", "\t": "\\t"}

_SYSTEMD = """\
# Made by `outlast service install`, with the settings of that moment. `outlast service uninstall` removes it.
[Unit]
Description={description}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
{environment}Restart=on-failure
RestartSec={again}
# Wrong usage, or a store that is damaged or foreign, does not mend itself.
RestartPreventExitStatus=2
# Jobs outlast their supervisor: the next one takes them over.
KillMode=process
TimeoutStopSec={stop}
# A job that the kernel kills for its memory is no reason to stop the others.
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A worker of one data directory: its command, and the settings it is started with.

    `secrets` names the settings in force that must stand in no file.
    """

    name: str
    directory: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_seconds: int
    secrets: tuple[str, ...]


def unit_of(settings: Settings, options: Sequence[str]) -> Unit:
    """Return the unit for the data directory of these settings; `options` are more words of `outlast worker`."""
    chosen = {name: text for name, text in settings.texts.items() if text and settings.origins[name] != "default"}
    secrets = {name for name, text in chosen.items() if BY_VARIABLE[name].secret and not text.startswith("sqlite:")}
    directory = os.fspath(settings.data_dir)
    return Unit(
        name=_name_of(directory),
        directory=directory,
        command=(sys.executable, "-P", "-m", "outlast", "--data-dir", directory, "worker", *options),
        environment={name: text for name, text in sorted(chosen.items()) if name not in secrets | _NOT_KEPT},
        stop_seconds=STOP_SECONDS + round(settings.grace_seconds),
        secrets=tuple(sorted(secrets)),
    )


def _name_of(directory: str) -> str:
    """Return a name that no other data directory has."""
    digest = sha256(os.fsencode(directory)).hex()[:8]
    word = re.sub(r"[^a-z0-9]+", "-", os.path.basename(directory).lower())[:_LONGEST_WORD].strip("-") or "jobs"
    return f"outlast-{word}-{digest}"


def systemd_text(unit: Unit) -> str:
    """Return the systemd unit. Raise UsageError for a program whose path systemd cannot start."""
    program, *words = unit.command
    if not os.path.isabs(program) or re.search(r"[\x00-\x1f\x7f\"'\\]", program):
        raise UsageError(f"systemd cannot start {program!r:.300}.", "Use an interpreter whose path is plain.")
    # Variables are replaced in the words of a command, but not in the program's own.
    command = [_quoted(program), *(_quoted(word).replace("$", "$$") for word in words)]
    variables = (f"Environment={_quoted(f'{name}={text}')}\n" for name, text in unit.environment.items())
    return _SYSTEMD.format(
        description=f"Outlast runs the jobs of {_readable(unit.directory)}",
        command=" ".join(command),
        environment="".join(variables),
        again=AGAIN_SECONDS,
        stop=unit.stop_seconds,
    )


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back (systemd.syntax(7), systemd.unit(5))."""
    return f'"{"".join(map(_escaped, word))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _readable(text: str) -> str:
    """Return a text for people, which systemd takes as it stands."""
    plain = "".join(character if character.isprintable() and character != "\\" else "?" for character in text)
    return plain.replace("%", "%%")


def launchd_text(unit: Unit) -> bytes:
    """Return the launchd agent. Raise UsageError for a path that none can hold."""
    import plistlib

    agent = {
        "Label": unit.name,
        "ProgramArguments": list(unit.command),
        "EnvironmentVariables": dict(unit.environment),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": AGAIN_SECONDS,
        "ExitTimeOut": unit.stop_seconds,
        "AbandonProcessGroup": True,
    }
    try:
        return plistlib.dumps(agent)
    except (ValueError, UnicodeEncodeError) as error:
        raise UsageError(f"{unit.directory!r:.300} cannot stand in an agent: {error}.", "Use a plain path.") from None
