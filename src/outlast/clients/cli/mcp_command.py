"""`outlast mcp`: jobs for AI agents."""

import logging
import sys

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.mcpconfig import CLIENTS


@click.command(
    epilog=examples(
        "outlast mcp",
        "outlast mcp --app jobs.py",
        "outlast mcp --http --port 8788",
        "outlast mcp --app jobs.py --print-config claude-code",
    )
)
@click.option("--app", metavar="FILE|MODULE", help="Its jobs can be started too (OUTLAST_APP).")
@click.option("--http", is_flag=True, help="Serve over HTTP, at /mcp, instead of on stdin and stdout.")
@click.option("--host", metavar="H", default="127.0.0.1", help="Where to listen (127.0.0.1); else set OUTLAST_TOKEN.")
@click.option("--port", metavar="P", type=click.IntRange(0, 65_535), default=8788, help="The port (8788).")
@click.option(
    "--print-config", "client", type=click.Choice(list(CLIENTS)), metavar="CLIENT", help=f"{', '.join(CLIENTS)}."
)
@pass_session
def command(session: Session, app: str | None, http: bool, host: str, port: int, client: str | None) -> None:
    """Let an AI agent start jobs and ask for them later (MCP).

    The server holds no jobs: they go on without it, and any other server on the same data directory answers for them.
    """
    app = app or session.settings["OUTLAST_APP"]
    if client is not None:
        from outlast.clients.mcpconfig import Served, config_of

        url = f"http://{host}:{port}/mcp" if http else None
        config = config_of(client, Served(data_dir=session.settings.data_dir, app=app, url=url))
        session.note(config.where)
        session.print_lines([config.text])
        return
    _serve(session, app, http=http, host=host, port=port)


def _serve(session: Session, app: str | None, *, http: bool, host: str, port: int) -> None:
    from outlast.app import open_service
    from outlast.clients.mcp.offers import offers_of
    from outlast.clients.mcp.server import Desk, make_server
    from outlast.clients.mcp.tools import Shop

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    service = open_service(session.settings, client="mcp")
    shop = Shop(service=service, settings=session.settings, offers=offers_of(session.settings, app))
    service.ensure()
    server = make_server(Desk(shop))
    if http:
        from outlast.clients.mcp.http import serve_http

        serve_http(server, host=host, port=port, token=session.settings["OUTLAST_TOKEN"])
    else:
        from outlast.clients.mcp.stdio import serve_stdio

        serve_stdio(server)
    service.close()
