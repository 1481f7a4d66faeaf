"""The tools that steer jobs, and those that look at job state."""

from typing import Any

from outlast.clients.mcp.schemas import ANY, CHECKLISTS, JOB, JOB_ID, NAME, REPORT, takes
from outlast.clients.mcp.shapes import MOST_BYTES, json_of, told_job
from outlast.clients.mcp.tools import ENDS, LOOKS, STEERS, Arguments, Shop, Tool
from outlast.core.errors import NotFound, Refused, UsageError
from outlast.jobstate import JobState


def _cancel(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    return told_job(shop.service.cancel(shop.job(arguments)))


def _retry(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    return told_job(shop.service.retry(shop.job(arguments)))


def _answer(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    question = arguments.get("question")
    return told_job(shop.service.answer(shop.job(arguments), arguments["answer"], question=question))


def _checklists(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    from outlast.jobstate.days import date_of
    from outlast.jobstate.history import activities_of

    account, kind = arguments["account"], arguments["type"]
    day = date_of(arguments["date"]) if "date" in arguments else None
    entries = _state().history(account, kind, day)
    newest = (entries[0].date if entries else None) if day is None else day
    found = [entry for entry in entries if entry.date == newest]
    if not found:
        raise NotFound(
            f"There is no checklist {kind!r:.80} of {account!r:.80}{f' on {day}' if day else ''}.",
            "job_state_report names the accounts that have some.",
        )
    told = [{**each.as_json(), "activities": [one.as_json() for one in activities_of(each)]} for each in found]
    return _bounded({"checklists": told}, "activities")


def _report(shop: Shop, arguments: Arguments) -> dict[str, Any]:
    report = _state().report(arguments.get("since", "8w"), arguments.get("account")).as_json()
    return _bounded(report, "accounts")


def _state() -> JobState:
    state = JobState()
    if not state.enabled:
        raise Refused("Job state is off: jobState.enabled is false.", "Enable it in config.json.")
    return state


def _bounded(value: dict[str, Any], what: str) -> dict[str, Any]:
    if (size := len(json_of(value).encode())) > MOST_BYTES:
        raise UsageError(
            f"That has {size:,} bytes, too many for one answer.",
            "Name one account, and a later since or one date." if what == "accounts" else "outlast state show has it.",
        )
    return value


_DATE = {"type": "string", "maxLength": 40, "description": "YYYY-MM-DD (default: the newest there is)."}

STEERING = (
    Tool(
        name="jobs_cancel",
        title="Cancel a job",
        description="Ask that a job ends, and return at once how it stands; poll jobs_status until it is cancelled.\n\n"
        "A finished job stays as it is.",
        takes=takes({"job_id": JOB_ID}),
        gives=JOB,
        annotations=ENDS,
        call=_cancel,
    ),
    Tool(
        name="jobs_retry",
        title="Retry a job",
        description="Put a failed or cancelled job back into the queue, under the same id, and return at once.\n\n"
        "What it had saved is kept. Poll jobs_status.",
        takes=takes({"job_id": JOB_ID}),
        gives=JOB,
        annotations=STEERS,
        call=_retry,
    ),
    Tool(
        name="jobs_answer",
        title="Answer a job",
        description="Answer what a job asks, and return at once; poll jobs_status.\n\n"
        "What it asks, and the JSON schema that the answer must fit, stands in its waiting_info.questions. Ask a "
        "person, unless you were told what to answer.",
        takes=takes(
            {"job_id": JOB_ID, "answer": {**ANY, "description": "A JSON value that fits the schema of the question."}},
            {"question": {**NAME, "description": "The name of the question, if the job asks several."}},
        ),
        gives=JOB,
        annotations=STEERS,
        call=_answer,
    ),
    Tool(
        name="job_state_get",
        title="Activities of an account",
        description="Return at once what an account has done of its activities on a day.",
        takes=takes({"account": NAME, "type": NAME}, {"date": _DATE}),
        gives=CHECKLISTS,
        annotations=LOOKS,
        call=_checklists,
    ),
    Tool(
        name="job_state_report",
        title="Report of activities",
        description="Return at once rates, failures, durations and what hangs, over the weeks.",
        takes=takes(
            {},
            {
                "since": {"type": "string", "maxLength": 40, "description": "8w, 30d, or a date (default 8w)."},
                "account": NAME,
            },
        ),
        gives=REPORT,
        annotations=LOOKS,
        call=_report,
    ),
)
