"""Jobs as MCP Tasks: the extension `io.modelcontextprotocol/tasks` of the protocol's revision 2026-07-28.

A task is a job seen with other words: nothing of it is kept here. See docs/mcp.md for what maps to what.
"""

from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import decode_header_value
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from outlast.clients.mcp.looking import look
from outlast.clients.mcp.shapes import fault_text, job_answer
from outlast.clients.mcp.tools import Shop
from outlast.clients.render.progress import full_progress
from outlast.clients.render.waiting import waiting_words
from outlast.core.errors import NotFound, OutlastError, UsageError
from outlast.core.job import Job
from outlast.core.moments import Moment, to_iso
from outlast.core.questions import Question, open_questions
from outlast.core.status import Status

EXTENSION = "io.modelcontextprotocol/tasks"
LEAST_POLL_MS, MOST_POLL_MS = 1_000, 60_000
POLL_SHARE = 10
"""A client polls about so often while a job doubles its age: what has run for an hour may wait a minute more."""
DEFAULT_TERM_SECONDS = 7 * 86_400.0
"""What is promised if unread ends stay for ever."""
LONGEST_MESSAGE = 500
_NOT_RUNNABLE = "NotImportable"

Request = ServerRequestContext[Any, Any]


class TaskParams(types.RequestParams):
    """What names a task."""

    task_id: str = Field(alias="taskId", max_length=400)


class UpdateParams(TaskParams):
    """Answers to what a task asks, by the keys of its inputRequests."""

    input_responses: dict[str, Any] = Field(alias="inputResponses")


def knows_tasks(ctx: Request) -> bool:
    """Tell whether the client said, with this request, that it understands a task in place of an answer."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in (declared or {})


def check_request(ctx: Request, task_id: str) -> None:
    """Raise MCPError for a client that does not know tasks, and for a header that names another task."""
    require_client_extension(ctx, EXTENSION)
    headers = getattr(ctx.request, "headers", None)
    if headers is not None and decode_header_value(headers.get("mcp-name")) != task_id:
        raise MCPError(types.HEADER_MISMATCH, "The Mcp-Name header does not name the task of params.taskId.")


def created(shop: Shop, job: Job) -> dict[str, Any]:
    """Return the handle of a job that is stored, once it is promised for how long it stays."""
    return {"resultType": "task", **_task(shop, promised(shop, job))}


def get(shop: Shop, task_id: str) -> dict[str, Any]:
    """Return a task as it stands, with its result, its error or what it asks. Raise MCPError."""
    job = promised(shop, look(shop, find(shop, task_id)))
    return {"resultType": "complete", **_task(shop, job), **_outcome(job)}


def update(shop: Shop, task_id: str, responses: Mapping[str, Any]) -> None:
    """Answer what the task asks; keys of nothing that is open are left alone. Raise MCPError."""
    job = find(shop, task_id)
    for question in open_questions(job):
        if question.name in responses:
            _answer(shop, job, question, responses[question.name])


def cancel(shop: Shop, task_id: str) -> None:
    """Ask that a task ends; one that has ended stays as it is. Raise MCPError."""
    shop.service.cancel(find(shop, task_id))


def find(shop: Shop, task_id: str) -> Job:
    """Return the job of a task. Raise MCPError."""
    try:
        return shop.service.get(task_id)
    except NotFound as error:
        raise MCPError(types.INVALID_PARAMS, f"Task not found: {fault_text(error)}") from None


def promised(shop: Shop, job: Job) -> Job:
    """Return the job, which stays for the time that is told with it: told times are never shortened."""
    if job.spec.policy.keep or not _is_due(shop, job):
        return job
    shop.service.hold([job], _term(shop))
    return shop.service.get(job.id)


def _is_due(shop: Shop, job: Job) -> bool:
    """Tell whether the promise must be made, or made anew: long before it is over while the job has not ended."""
    if job.hold_until is None:
        return True
    left = (job.hold_until - shop.service.store.now()) / 1000
    return not job.status.is_end and left < _term(shop) / 2


def _term(shop: Shop) -> float:
    unread: float | None = shop.settings["OUTLAST_RETENTION_UNREAD"]
    return DEFAULT_TERM_SECONDS if unread is None else unread


def _task(shop: Shop, job: Job) -> dict[str, Any]:
    now = shop.service.store.now()
    message = _message(job)
    return {
        "taskId": job.id,
        "status": _status(job),
        **({"statusMessage": message[:LONGEST_MESSAGE]} if message else {}),
        "createdAt": to_iso(job.created_at),
        "lastUpdatedAt": to_iso(max(job.updated_at, job.created_at)),
        "ttlMs": None if job.hold_until is None else max(0, job.hold_until - job.created_at),
        "pollIntervalMs": poll_interval(now - job.created_at),
    }


def poll_interval(age_ms: Moment) -> int:
    """Return after how many milliseconds a task of this age is worth another look."""
    return min(MOST_POLL_MS, max(LEAST_POLL_MS, age_ms // POLL_SHARE))


def _status(job: Job) -> str:
    if _could_not_run(job):
        return "failed"
    if job.status in (Status.COMPLETED, Status.FAILED):
        return "completed"
    if job.status is Status.CANCELLED:
        return "cancelled"
    return "input_required" if open_questions(job) else "working"


def _could_not_run(job: Job) -> bool:
    """Tell whether the job's code was not there: the server could not serve the call at all."""
    return job.status is Status.FAILED and (job.error or "").startswith(f"{_NOT_RUNNABLE}:")


def _message(job: Job) -> str:
    words = [f"{job.status} ({job.reason})" if job.reason else str(job.status)]
    if job.status is Status.WAITING and job.waiting_info:
        words.append(waiting_words(job))
    if job.progress is not None and job.status not in (Status.COMPLETED, Status.FAILED):
        words += [full_progress(job, bar_width=0).lstrip(), job.progress.message or ""]
    if job.error and job.status is Status.FAILED:
        words.append(job.error)
    return ": ".join(word for word in words if word)


def _outcome(job: Job) -> dict[str, Any]:
    if _could_not_run(job):
        return {"error": {"code": types.INTERNAL_ERROR, "message": job.error or ""}}
    if job.status in (Status.COMPLETED, Status.FAILED):
        return {"result": job_answer(job).model_dump(by_alias=True, mode="json", exclude_none=True)}
    if asked := open_questions(job):
        return {"inputRequests": {question.name: _request(question) for question in asked}}
    return {}


def _request(question: Question) -> dict[str, Any]:
    """Return a question as an elicitation, whose schema is always an object."""
    schema = dict(question.schema)
    if not _is_form(question):
        schema = {"type": "object", "properties": {"answer": schema}, "required": ["answer"]}
    params = {"mode": "form", "message": question.text, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def _is_form(question: Question) -> bool:
    return question.schema.get("type") == "object"


def _answer(shop: Shop, job: Job, question: Question, response: Any) -> None:
    action = response.get("action") if isinstance(response, Mapping) else None
    if action == "cancel":  # whoever was asked put it off: the question stays open
        return
    if action not in ("accept", "decline"):
        raise MCPError(types.INVALID_PARAMS, f"inputResponses.{question.name}: action is accept, decline or cancel.")
    content = response.get("content")
    value = content
    if action == "accept" and not _is_form(question):
        value = content.get("answer") if isinstance(content, Mapping) else None
    try:
        shop.service.answer(job, value, question=question.name, declined=action == "decline")
    except UsageError as error:
        raise MCPError(types.INVALID_PARAMS, f"inputResponses.{question.name}: {fault_text(error)}") from None
    except OutlastError:
        if question in open_questions(shop.service.get(job.id)):
            raise
