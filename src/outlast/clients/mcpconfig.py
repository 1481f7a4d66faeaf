"""What a client's configuration says, so that it finds `outlast mcp`."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "outlast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served: the jobs of a data directory, those of an app, over HTTP at `url` or else on stdio."""

    data_dir: Path
    app: str | None
    url: str | None

    @property
    def command(self) -> str:
        """The program, by its whole path: clients start it with another PATH."""
        return shutil.which("outlast") or str(Path(sys.executable).with_name("outlast"))

    @property
    def arguments(self) -> list[str]:
        app = [] if self.app is None else ["--app", _whole(self.app)]
        return ["--data-dir", str(self.data_dir), "mcp", *app]


@dataclass(frozen=True, slots=True)
class Config:
    """What to do with a text, and the text."""

    where: str
    text: str


def config_of(client: str, served: Served) -> Config:
    """Return what a client of CLIENTS is told."""
    return CLIENTS[client](served)


def _file(place: str, key: str, *, kind: bool = False) -> Callable[[Served], Config]:
    def config(served: Served) -> Config:
        return Config(f"Put this into {place}:", json.dumps({key: {NAME: _entry(served, kind=kind)}}, indent=2))

    return config


def _entry(served: Served, *, kind: bool) -> dict[str, Any]:
    if served.url is not None:
        return {"type": "http", "url": served.url}
    named = {"type": "stdio"} if kind else {}
    return {**named, "command": served.command, "args": served.arguments}


def _claude_code(served: Served) -> Config:
    what = f"--transport http {NAME} {shlex.quote(served.url)}" if served.url is not None else ""
    return Config(
        "Run this once:",
        f"claude mcp add {what or f'{NAME} -- {shlex.join([served.command, *served.arguments])}'}",
    )


def _codex(served: Served) -> Config:
    fields = _entry(served, kind=False)
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if name != "type"]
    return Config("Put this into ~/.codex/config.toml:", "\n".join([f"[mcp_servers.{NAME}]", *lines]))


CLIENTS: Mapping[str, Callable[[Served], Config]] = {
    "claude-code": _claude_code,
    "claude-desktop": _file("claude_desktop_config.json (Settings, Developer, Edit Config)", "mcpServers"),
    "codex": _codex,
    "cursor": _file("~/.cursor/mcp.json, or .cursor/mcp.json in the project", "mcpServers"),
    "gemini-cli": _file("~/.gemini/settings.json", "mcpServers"),
    "vscode": _file(".vscode/mcp.json", "servers", kind=True),
    "windsurf": _file("~/.codeium/windsurf/mcp_config.json", "mcpServers"),
}
"""How each client is told."""


def _whole(app: str) -> str:
    """Return a file by its whole path: the client starts the server elsewhere."""
    return str(Path(app).absolute()) if app.endswith(".py") or "/" in app else app
