"""The server: requests of the protocol, each carried out in a worker thread, so that none holds up another."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import HandlerResult
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

import outlast
from outlast.clients.mcp import reading, shapes, tasks
from outlast.clients.mcp.looking import LOOKING
from outlast.clients.mcp.starting import starting_tools
from outlast.clients.mcp.steering import STEERING
from outlast.clients.mcp.tasks import Request, TaskParams, UpdateParams
from outlast.clients.mcp.tools import Arguments, Shop, Tool, check_arguments
from outlast.core.errors import OutlastError

THREADS = 8
LOOK_SECONDS = 0.25
"""How often a status that is waited for is read."""
_STANDS_STILL = CacheHint(ttl_ms=300_000, scope="public")
"""What does not change as long as the server runs."""
INSTRUCTIONS = (
    "Long work as jobs that outlast this server: starting tools return at once with a job_id, and the job goes on "
    "whatever becomes of server, client or machine. Keep the job_id and ask again with jobs_status (wait_s=25); the "
    f"answer is there after any restart. {shapes.UNTRUSTED}"
)

T = TypeVar("T")


class Desk:
    """Answers the requests of clients; it keeps nothing between two of them."""

    def __init__(self, shop: Shop, more: Sequence[Tool] = ()) -> None:
        self._shop = shop
        tools = [*starting_tools(shop), *LOOKING, *STEERING, *more]
        self._tools = {tool.name: tool for tool in tools}
        self._listed = types.ListToolsResult(tools=[tool.as_listed() for tool in tools])
        self._limiter: anyio.CapacityLimiter | None = None

    async def list_tools(self, ctx: Request, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return self._listed

    async def call_tool(self, ctx: Request, params: types.CallToolRequestParams) -> Any:
        """Answer a call: with a task where a job was started for a client that knows tasks."""
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r:.80}; tools/list names them.")
        try:
            check_arguments(tool, params.arguments or {})
            if tool.start is not None:
                return await self._started(ctx, tool, params.arguments or {})
            return shapes.answer(await self._called(tool, params.arguments or {}))
        except OutlastError as error:
            return shapes.fault(error)

    async def _started(self, ctx: Request, tool: Tool, arguments: Arguments) -> HandlerResult:
        assert tool.start is not None
        assert tool.first is not None
        job = await self._run(tool.start, self._shop, arguments)
        if tasks.knows_tasks(ctx):
            return await self._run(tasks.created, self._shop, job)
        return shapes.answer(tool.first(job))

    async def _called(self, tool: Tool, arguments: Arguments) -> Mapping[str, Any]:
        assert tool.call is not None
        deadline = anyio.current_time() + tool.patience(arguments)
        while True:
            answer = await self._run(tool.call, self._shop, arguments)
            left = deadline - anyio.current_time()
            if left <= 0 or tool.is_final(answer):
                return answer
            await anyio.sleep(min(left, LOOK_SECONDS))

    async def get_task(self, ctx: Request, params: TaskParams) -> HandlerResult:
        tasks.check_request(ctx, params.task_id)
        return await self._task_run(tasks.get, params.task_id)

    async def update_task(self, ctx: Request, params: UpdateParams) -> HandlerResult:
        tasks.check_request(ctx, params.task_id)
        await self._task_run(tasks.update, params.task_id, params.input_responses)
        return {"resultType": "complete"}

    async def cancel_task(self, ctx: Request, params: TaskParams) -> HandlerResult:
        tasks.check_request(ctx, params.task_id)
        await self._task_run(tasks.cancel, params.task_id)
        return {"resultType": "complete"}

    async def _task_run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run what has no tool's answer to put an error into."""
        try:
            return await self._run(work, self._shop, *arguments)
        except OutlastError as error:
            raise MCPError(types.INTERNAL_ERROR, shapes.fault_text(error)) from None

    async def list_resources(
        self, ctx: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return await self._task_run(reading.list_resources)

    async def list_templates(
        self, ctx: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=reading.TEMPLATES)

    async def read_resource(self, ctx: Request, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return await self._task_run(reading.read_resource, params.uri)

    async def list_prompts(self, ctx: Request, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=reading.PROMPTS)

    async def get_prompt(self, ctx: Request, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return await self._task_run(reading.get_prompt, params.name, params.arguments or {})

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run what may wait for the disk, or for another process, in a thread. A change that began is finished."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(partial(work, *arguments), limiter=self._limiter)


def make_server(desk: Desk) -> Server[Any]:
    """Return the server whose requests a desk answers."""
    server: Server[Any] = Server(
        "outlast",
        version=outlast.__version__,
        title="Outlast",
        instructions=INSTRUCTIONS,
        cache_hints={
            "tools/list": _STANDS_STILL,
            "prompts/list": _STANDS_STILL,
            "resources/templates/list": _STANDS_STILL,
            "server/discover": _STANDS_STILL,
        },
        on_list_tools=desk.list_tools,
        on_call_tool=desk.call_tool,
        on_list_resources=desk.list_resources,
        on_list_resource_templates=desk.list_templates,
        on_read_resource=desk.read_resource,
        on_list_prompts=desk.list_prompts,
        on_get_prompt=desk.get_prompt,
    )
    server.extensions = {tasks.EXTENSION: {}}
    server.add_request_handler("tasks/get", TaskParams, desk.get_task)
    server.add_request_handler("tasks/update", UpdateParams, desk.update_task)
    server.add_request_handler("tasks/cancel", TaskParams, desk.cancel_task)
    return server
