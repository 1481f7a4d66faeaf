"""What a tool is: its name, what it takes and gives, and the use case behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types

from outlast.clients.mcp.offers import Offer
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.service import Service
from outlast.settings import Settings

Arguments = Mapping[str, Any]

LOOKS = types.ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
STARTS = types.ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
STEERS = types.ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ENDS = types.ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the tools work with: the store's use cases, and what can be started."""

    service: Service
    settings: Settings
    offers: Mapping[str, Offer]

    def job(self, arguments: Arguments) -> Job:
        """Return the job whose whole id is `job_id`. Raise NotFound."""
        return self.service.get(arguments["job_id"])

    def offer(self, kind: str) -> Offer:
        """Return what is offered under this kind. Raise UsageError naming what is."""
        found = self.offers.get(kind)
        if found is None:
            names = ", ".join(sorted(self.offers))
            raise UsageError(
                f"{kind!r:.80} cannot be started here.", f"Known are {names:.500}; outlast mcp --app FILE adds more."
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. `call` answers with an object. A tool that starts a job has `start`, and its `call` makes the first
    answer of it; such tools are MCP Tasks for clients that know those.

    `patience` returns for how many seconds the answer may be awaited that `is_final`.
    """

    name: str
    title: str
    description: str
    takes: Mapping[str, Any]
    gives: Mapping[str, Any]
    annotations: types.ToolAnnotations
    call: Callable[[Shop, Arguments], dict[str, Any]] | None = None
    start: Callable[[Shop, Arguments], Job] | None = None
    first: Callable[[Job], dict[str, Any]] | None = None
    patience: Callable[[Arguments], float] = lambda arguments: 0.0
    is_final: Callable[[Mapping[str, Any]], bool] = lambda answer: True

    def as_listed(self) -> types.Tool:
        """Return the tool as clients see it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=dict(self.takes),
            output_schema=dict(self.gives),
            annotations=self.annotations,
        )


def check_arguments(tool: Tool, arguments: Arguments) -> None:
    """Raise UsageError, naming the argument, for what the tool does not take."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry

    fault = best_match(Draft202012Validator(dict(tool.takes), registry=Registry()).iter_errors(dict(arguments)))
    if fault is None:
        return
    place = "" if fault.json_path == "$" else f"{fault.json_path.removeprefix('$.')}: "
    known = ", ".join(tool.takes["properties"]) or "no arguments"
    raise UsageError(
        f"{tool.name} cannot be called like this: {place}{_in_short(fault.message)}.", f"It takes {known:.400}."
    )


def _in_short(words: str) -> str:
    """Return the words without most of the value they begin with, if that is long."""
    return words if len(words) <= 300 else f"{words[:80]}…{words[-200:]}"
