"""The tools that look at jobs."""

from collections.abc import Mapping
from typing import Any

from outlast.clients.mcp.cursors import make_cursor, read_cursor
from outlast.clients.mcp.schemas import CURSOR, JOB, JOB_ID, JOBS, TEXT_PAGE, takes
from outlast.clients.mcp.shapes import (
    MOST_BYTES,
    MOST_IN_LIST,
    json_of,
    last_page_of_text,
    page_of_text,
    told_job,
    whole_characters,
)
from outlast.clients.mcp.tools import LOOKS, Arguments, Shop, Tool
from outlast.core.codec import decode
from outlast.core.errors import Conflict, UsageError
from outlast.core.job import Job
from outlast.core.query import parse_query
from outlast.joblog import JobLog

LONGEST_WAIT = 25
MOST_JOBS = 100
LIST_SECONDS = 1.0
"""How long one page of a list may be looked for, if only a few of very many jobs match."""
_UP_TO, _FROM = "u", "f"


def look(shop: Shop, job: Job) -> Job:
    """Return the job; if it has ended, note that its end was read, else see that somebody runs it."""
    if job.status.is_end:
        shop.service.mark_read([job])
    else:
        shop.service.ensure()
    return job


def has_settled(answer: Mapping[str, Any]) -> bool:
    """Tell whether there is nothing to wait for: the job has ended, or asks something."""
    return answer["status"] in ("completed", "failed", "cancelled") or answer.get("reason") in ("input", "paused")


def _status(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    return told_job(look(shop, shop.job(arguments)))


def _proof_status(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    job = shop.job(arguments)
    if job.kind != "pow":
        raise UsageError(f"{job.id:.200} is a {job.kind}, no proof of work.", "jobs_status tells of every job.")
    return told_job(look(shop, job))


def _patience(arguments: Arguments) -> float:
    return float(arguments.get("wait_s", 0))


def _list(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    """Return a page: so many jobs as were asked for, and fit; the cursor names a job, so new ones shift nothing."""
    query, limit = arguments.get("query", ""), arguments.get("limit", 20)
    scope = f"list\0{query}"
    after = read_cursor(scope, arguments.get("cursor"))
    page = shop.service.page(parse_query(query), cursor=after, limit=limit, patience=LIST_SECONDS)
    shown: list[dict[str, Any]] = []
    room = MOST_BYTES
    for job in page.jobs:
        view = told_job(job, most_result=MOST_IN_LIST)
        room -= len(json_of(view).encode()) + 1
        if shown and room < 0:
            break
        shown.append(view)
    after = page.next_cursor if len(shown) == len(page.jobs) else f"j{page.jobs[len(shown) - 1].seq}"
    return {"jobs": shown, "next_cursor": None if after is None else make_cursor(scope, after)}


def _result(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    job = look(shop, shop.job(arguments))
    if job.result is None:
        raise Conflict(f"{job.id:.200} is {job.status} and has no result.", _no_result(job))
    text = json_of(decode(job.result, "the result")).encode()
    scope = f"result\0{job.id}\0{job.completed_at}\0{len(text)}"
    begin = int(read_cursor(scope, arguments.get("cursor")) or 0)
    piece = page_of_text(text[begin : begin + MOST_BYTES + 4])
    end = begin + len(piece)
    whole = {"result": decode(job.result)} if begin == 0 and end == len(text) else {}
    return {
        "job_id": job.id,
        "status": str(job.status),
        "text": piece.decode("utf-8", "replace"),
        "bytes": len(text),
        **whole,
        "next_cursor": None if end >= len(text) else make_cursor(scope, str(end)),
    }


def _no_result(job: Job) -> str:
    if job.status.is_end:
        return f"jobs_status tells why: {job.error or job.reason}; jobs_retry runs it again."[:500]
    return "It is not finished; call jobs_status with wait_s=25 until it is."


def _logs(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    """Return a page of the log: up to a place (without a cursor: the end), or from one on."""
    job = shop.job(arguments)
    log, scope = JobLog(shop.service.places, job.id), f"log\0{job.id}"
    last = log.end()
    place = read_cursor(scope, arguments.get("cursor")) or f"{_UP_TO}{last}"
    begin, piece = _piece(log, int(place[1:]), up_to=place[0] == _UP_TO, last=last)
    end = begin + len(piece)
    is_all = job.status.is_end and end >= last
    return {
        "job_id": job.id,
        "status": str(job.status),
        "text": piece.decode("utf-8", "replace"),
        "bytes": last,
        "next_cursor": None if is_all else make_cursor(scope, f"{_FROM}{end}"),
        "earlier_cursor": make_cursor(scope, f"{_UP_TO}{begin}") if begin > log.begin() else None,
    }


def _piece(log: JobLog, place: int, *, up_to: bool, last: int) -> tuple[int, bytes]:
    """Return where a page begins, and its text: whole characters, wherever the log goes on beside it."""
    if not up_to:
        raw, end = log.read(place, MOST_BYTES)
        return end - len(raw), page_of_text(whole_characters(raw) if end < last else raw)
    begin = max(log.begin(), place - MOST_BYTES)
    raw, end = log.read(begin, max(0, place - begin))
    while len(raw) < place - begin and end < place and (more := log.read(end, place - end))[0]:
        raw, end = raw + more[0], more[1]
    piece = last_page_of_text(raw)
    return end - len(piece), piece


LOOKING = (
    Tool(
        name="structs_query_proof_of_work_status",
        title="Status of a proof of work",
        description="Return at once how far a proof of work is; poll it again until status is completed, failed or "
        "cancelled.\n\nThe finished job has the proof, and what became of its transaction, in result.",
        takes=takes({"job_id": JOB_ID}),
        gives=JOB,
        annotations=LOOKS,
        call=_proof_status,
    ),
    Tool(
        name="jobs_status",
        title="Status of a job",
        description="Return how a job stands, at once, or with wait_s as soon as it has ended or asks something.\n\n"
        "A waiting job with reason input asks what stands in waiting_info.questions: jobs_answer answers.",
        takes=takes(
            {"job_id": JOB_ID},
            {"wait_s": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "description": "Seconds to wait."}},
        ),
        gives=JOB,
        annotations=LOOKS,
        call=_status,
        patience=_patience,
        is_final=has_settled,
    ),
    Tool(
        name="jobs_list",
        title="List jobs",
        description="Return the jobs that match, newest first, in pages.\n\n"
        "query: words such as status:failed kind:pow error:Timeout account:alice label.env:prod age:<1d -kind:x. A "
        "page may hold fewer than limit; next_cursor null means that it was the last.",
        takes=takes(
            {},
            {
                "query": {"type": "string", "maxLength": 1_000},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_JOBS, "description": "Default 20."},
                "cursor": CURSOR,
            },
        ),
        gives=JOBS,
        annotations=LOOKS,
        call=_list,
    ),
    Tool(
        name="jobs_result",
        title="Result of a job",
        description="Return a job's result as JSON text, 20 KB at a time; of an unfinished one what it has so far.\n\n"
        "One that fits stands in result as well.",
        takes=takes({"job_id": JOB_ID}, {"cursor": CURSOR}),
        gives=TEXT_PAGE,
        annotations=LOOKS,
        call=_result,
    ),
    Tool(
        name="jobs_logs",
        title="Output of a job",
        description="Return the newest 20 KB of a job's output.\n\n"
        "earlier_cursor leads to what came before, next_cursor to what comes next: keep it to follow a running job.",
        takes=takes({"job_id": JOB_ID}, {"cursor": CURSOR}),
        gives=TEXT_PAGE,
        annotations=LOOKS,
        call=_logs,
    ),
)
