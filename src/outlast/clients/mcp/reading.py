"""Resources and prompts: jobs to read, and what to ask a model about them."""

import re
from collections.abc import Callable, Mapping

import mcp_types as types
from mcp.shared.exceptions import MCPError

from outlast.clients.mcp.looking import look
from outlast.clients.mcp.shapes import MOST_BYTES, UNTRUSTED, fault_text, json_of, page_of_text, told_job
from outlast.clients.mcp.tools import Shop
from outlast.core.codec import decode
from outlast.core.errors import NotFound
from outlast.core.job import Job
from outlast.core.query import Query
from outlast.joblog import JobLog

NEWEST = 50
_URI = re.compile(r"job://(?P<id>[^/?#]{1,400})(?:/(?P<part>log|result))?\Z")
_JSON, _PLAIN = "application/json", "text/plain"

TEMPLATES = [
    types.ResourceTemplate(
        name="job", title="A job", uri_template="job://{id}", description="The job object.", mime_type=_JSON
    ),
    types.ResourceTemplate(
        name="log",
        title="Output of a job",
        uri_template="job://{id}/log",
        description="The newest 20 KB of a job's output.",
        mime_type=_PLAIN,
    ),
    types.ResourceTemplate(
        name="result",
        title="Result of a job",
        uri_template="job://{id}/result",
        description="A job's result; the first 20 KB of a longer one.",
        mime_type=_JSON,
    ),
]
PROMPTS = [
    types.Prompt(
        name="watch_job",
        title="Watch a job",
        description="Follow a job to its end and say what came of it.",
        arguments=[types.PromptArgument(name="job_id", description="The job.", required=True)],
    ),
    types.Prompt(
        name="diagnose_job",
        title="Diagnose a job",
        description="Find out why a job failed, hangs or waits.",
        arguments=[types.PromptArgument(name="job_id", description="The job.", required=True)],
    ),
]
_WATCH = (
    "Watch the job {id} to its end. Call jobs_status with wait_s=25 until its status is completed, failed or cancelled;"
    " now and then say in one line how far it is. If its reason is input, ask me what it asks and pass my answer on"
    " with jobs_answer. At the end tell me its result, or its error and what to do about it."
)
_DIAGNOSE = (
    "Find out why the job {id} is where it is. Read jobs_status, then jobs_logs, and for a failure others like it with"
    " jobs_list. Say what happened, the likeliest cause with the line that shows it, and the next step. Cancel or"
    " retry nothing unless I say so."
)


def list_resources(shop: Shop) -> types.ListResourcesResult:
    """Return the newest jobs; jobs_list has them all."""
    jobs = shop.service.page(Query(), limit=NEWEST).jobs
    return types.ListResourcesResult(
        resources=[
            types.Resource(name=job.id, uri=f"job://{job.id}", description=f"{job.kind}: {job.status}", mime_type=_JSON)
            for job in jobs
            if _URI.match(f"job://{job.id}")
        ]
    )


def read_resource(shop: Shop, uri: str) -> types.ReadResourceResult:
    """Return what a URI names. Raise MCPError."""
    found = _URI.match(uri)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, f"{uri!r:.120} is no resource of this server: use job://ID.")
    job = _job(shop, found["id"])
    text = _PARTS[found["part"]](shop, job)
    mime = _PLAIN if found["part"] == "log" else _JSON
    contents = types.TextResourceContents(uri=uri, mime_type=mime, text=text)
    return types.ReadResourceResult(contents=[contents], _meta={"outlast/untrusted": UNTRUSTED})


def get_prompt(shop: Shop, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """Return a prompt about a job that exists. Raise MCPError."""
    text = {"watch_job": _WATCH, "diagnose_job": _DIAGNOSE}.get(name)
    if text is None:
        raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name!r:.80}: use watch_job or diagnose_job.")
    job = _job(shop, arguments.get("job_id", ""))
    message = types.PromptMessage(role="user", content=types.TextContent(text=text.format(id=job.id)))
    return types.GetPromptResult(messages=[message])


def _job(shop: Shop, job_id: str) -> Job:
    try:
        return look(shop, shop.service.get(job_id))
    except NotFound as error:
        raise MCPError(types.INVALID_PARAMS, fault_text(error)) from None


def _log(shop: Shop, job: Job) -> str:
    return page_of_text(JobLog(shop.service.places, job.id).tail(MOST_BYTES)).decode("utf-8", "replace")


def _result(shop: Shop, job: Job) -> str:
    text = json_of(None if job.result is None else decode(job.result)).encode()
    return page_of_text(text, MOST_BYTES).decode("utf-8", "replace")


_PARTS: Mapping[str | None, Callable[[Shop, Job], str]] = {
    None: lambda shop, job: json_of(told_job(job)),
    "log": _log,
    "result": _result,
}
