"""The job that tells a command or a URL of the end of another job (`on_end`)."""

import json
import os
import subprocess
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from outlast.core.endcalls import check_on_end, is_url
from outlast.engine.exits import end_in_words
from outlast.engine.jobside.context import Context
from outlast.engine.jobside.run import CommandFailed

ANSWER_SECONDS = 30.0
"""How long a server may keep silent."""
MOST_ANSWER_BYTES = 10_000


def call(ctx: Context, on_end: str, job: dict[str, Any], directory: str) -> dict[str, int]:
    """Give the job object to the command on its stdin, or send it to the URL. Raise CommandFailed: it is tried again.

    At least once: a call whose success nobody could note is made again, with the same Idempotency-Key.
    """
    if is_url(check_on_end(on_end)):
        return {"http_status": _post(on_end, job, key=ctx.job_id)}
    return {"exit_code": _run(on_end, job, directory)}


def _run(command: str, job: dict[str, Any], directory: str) -> int:
    environment = {**os.environ, "OUTLAST_JOB_ID": job["job_id"], "OUTLAST_JOB_STATUS": job["status"]}
    place = directory if os.path.isdir(directory) else "/"
    child = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, cwd=place, env=environment)
    try:
        child.communicate(json.dumps(job).encode() + b"\n")  # that it does not read it is its own affair
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode != 0:
        raise CommandFailed(end_in_words(child.returncode))
    return 0


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the address is the one that was given, and a POST would become a GET."""


def _post(url: str, job: dict[str, Any], key: str) -> int:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "outlast"}
    request = Request(url, data=json.dumps(job).encode(), headers=headers, method="POST")
    # What is for this machine goes through no proxy.
    proxies = (ProxyHandler({}),) if request.type == "http" else ()
    try:
        with build_opener(_NoRedirect, *proxies).open(request, timeout=ANSWER_SECONDS) as answer:
            answer.read(MOST_ANSWER_BYTES)
            return int(answer.status)
    except HTTPError as error:
        with error:
            raise CommandFailed(f"HTTP {error.code} {error.reason}") from None
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise CommandFailed(f"{request.host}: {reason}") from None
