"""Our server with the tools that the official conformance suite calls: python -m tests.mcp.conformance_server PORT."""

import sys
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server.mcpserver.server import require_client_extension

from outlast.app import open_service
from outlast.clients.mcp.http import serve_http
from outlast.clients.mcp.offers import offers_of
from outlast.clients.mcp.schemas import takes
from outlast.clients.mcp.server import Desk, make_server
from outlast.clients.mcp.starting import starting_tools
from outlast.clients.mcp.tasks import EXTENSION, Request
from outlast.clients.mcp.tools import LOOKS, Shop, Tool
from outlast.settings import load_settings

_TEXT = {"type": "string"}
NAMES = ("slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input")
WHO = types.ElicitRequest(
    params=types.ElicitRequestFormParams(
        message="Your name?",
        requested_schema={"type": "object", "properties": {"user_name": _TEXT}, "required": ["user_name"]},
    )
)


class ConformanceDesk(Desk):
    """A desk whose tools have the names the suite wants, one of which needs a client that knows tasks."""

    async def call_tool(self, ctx: Request, params: types.CallToolRequestParams) -> Any:
        if params.name == "failing_job":
            require_client_extension(ctx, EXTENSION)
        if params.name == "greet":
            words = types.TextContent(text=f"Hello, {(params.arguments or {}).get('name')}!")
            return types.CallToolResult(content=[words])
        if params.name == "test_tool_with_task":
            answers = params.input_responses or {}
            if "user_name" not in answers:
                return types.InputRequiredResult(input_requests={"user_name": WHO})
            content = getattr(answers["user_name"], "content", None) or {}
            params = params.model_copy(
                update={"name": "start_greet_user", "arguments": {"user_name": str(next(iter(content.values()), ""))}}
            )
        return await super().call_tool(ctx, params)


def more_tools(shop: Shop) -> list[Tool]:
    """Return the starting tools under the names of their jobs, and one that starts nothing."""
    ours = {tool.name: tool for tool in starting_tools(shop)}
    named = [replace(ours[f"start_{name}"], name=name) for name in NAMES]
    greet = Tool(
        name="greet",
        title="Greet",
        description="Greet somebody, at once.",
        takes=takes({"name": _TEXT}),
        gives={"type": "object"},
        annotations=LOOKS,
    )
    asking = replace(ours["start_greet_user"], name="test_tool_with_task", takes=takes({}))
    return [*named, greet, asking]


def main() -> None:
    settings = load_settings()
    shop = Shop(
        service=open_service(settings, client="mcp"),
        settings=settings,
        offers=offers_of(settings, "tests.mcp.conformance_jobs"),
    )
    server = make_server(ConformanceDesk(shop, more_tools(shop)))
    serve_http(server, host="127.0.0.1", port=int(sys.argv[1]), token=None)


if __name__ == "__main__":
    main()
