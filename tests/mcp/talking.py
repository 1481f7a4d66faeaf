"""The SDK's own client as the tests use it: in both eras, and with the Tasks extension."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from pydantic import ConfigDict, TypeAdapter

from outlast.clients.mcp.server import Desk, make_server
from outlast.clients.mcp.tasks import EXTENSION
from outlast.clients.mcp.tools import Shop

ERAS = ("legacy", "auto")
"""How clients of the old protocol and of the new one connect."""
ENDS = ("completed", "failed", "cancelled")

T = TypeVar("T")
_ANYTHING = TypeAdapter(dict[str, Any])


class TaskRequest(types.Request[dict[str, Any], str]):
    """A request about a task."""

    name_param: ClassVar[str | None] = "taskId"


class Tasks(ClientExtension):
    """The client's half of the extension: it follows a task to its end."""

    identifier = EXTENSION

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=_Handle, resolve=_follow)]


class _Handle(types.Result):
    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"


async def _follow(handle: _Handle, ctx: ClaimContext) -> types.CallToolResult:
    name = str((handle.model_extra or {})["taskId"])
    while True:
        task = await asked(ctx.session, "tasks/get", taskId=name)
        if task["status"] in ENDS:
            return types.CallToolResult.model_validate(task["result"])
        await anyio.sleep(0.05)


async def asked(session: Any, method: str, **params: Any) -> dict[str, Any]:
    """Return the answer to a request about a task. Raise MCPError."""
    answer: dict[str, Any] = await session.send_request(TaskRequest(method=method, params=params), _ANYTHING)
    return answer


async def started(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Start a job and return its handle."""
    handle = await client.session.call_tool(tool, arguments, allow_claimed=True)
    assert isinstance(handle, _Handle)
    return {**(handle.model_extra or {}), "resultType": handle.result_type}


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Return the object that a tool answers with."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer
    found: dict[str, Any] = answer.structured_content
    return found


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """Return the words of a tool's error."""
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error, answer
    [content] = answer.content
    assert isinstance(content, types.TextContent)
    return content.text


def talk(target: Any, work: Callable[[Client], Awaitable[T]], *, era: str = "auto", tasks: bool = False) -> T:
    """Connect to a server, in this process or elsewhere, and return what the conversation gives."""
    return anyio.run(partial(_talk, target, work, era, tasks))


async def _talk(target: Any, work: Callable[[Client], Awaitable[T]], era: str, tasks: bool) -> T:
    server = make_server(Desk(target)) if isinstance(target, Shop) else target
    extensions = [Tasks()] if tasks else None
    async with Client(server, mode=era, extensions=extensions, read_timeout_seconds=60) as client:
        return await work(client)
