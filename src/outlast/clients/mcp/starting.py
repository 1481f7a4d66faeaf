"""The tools that start jobs. They answer at once; the work goes on whatever becomes of this server."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from outlast.client import new_job
from outlast.clients.mcp.offers import Offer
from outlast.clients.mcp.schemas import NAME, STARTED, SUBMISSION, Schema, takes
from outlast.clients.mcp.shapes import told_job
from outlast.clients.mcp.tools import STARTS, Arguments, Shop, Tool
from outlast.core.codec import encode
from outlast.core.errors import UsageError
from outlast.core.job import Job, NewJob
from outlast.pow import rules
from outlast.pow.request import Request

AT_ONCE = "Returns at once with a job_id; poll {poll}, also after this server, the client or the machine was restarted."
_STATUS = "jobs_status with that id (wait_s=25 saves calls)"
_POW_ANSWERS = "structs_query_proof_of_work_status"

_ACTION: Schema = {"type": "string", "enum": list(rules.PREFIXES), "description": "What is to be proved."}
_ENTITY: Schema = {**NAME, "description": "What it is done to, e.g. 5-12; for a raid the fleet, with target_id."}
_PLAYER: Schema = {**NAME, "description": "Whose proof it is, e.g. 1-11."}
_NUMBER: Schema = {"type": "integer"}
_POW_OPTIONS: Mapping[str, Schema] = {
    "difficulty": {
        **_NUMBER,
        "minimum": 2,
        "maximum": 10**15,
        "description": f"The range of the difficulty formula (default {rules.DEFAULT_RANGE}).",
    },
    "block_start": {
        **_NUMBER,
        "minimum": 0,
        "maximum": 2**63 - 1,
        "description": "The block the action began in (default: the block height now).",
    },
    "max_iterations": {
        **_NUMBER,
        "minimum": 1,
        "maximum": 10**15,
        "description": f"Nonces that one difficulty may cost (default {rules.DEFAULT_MAX_ITERATIONS}).",
    },
    "target_id": {**NAME, "description": "The planet of a raid."},
}


def starting_tools(shop: Shop) -> list[Tool]:
    """Return the tools that start something, in a fixed order."""
    return [_proof_of_work(), _any_kind(shop), *_by_kind(shop)]


def _proof_of_work() -> Tool:
    return Tool(
        name="structs_calculate_proof_of_work",
        title="Calculate a proof of work",
        description=f"Start a proof-of-work search. {AT_ONCE.format(poll=f'{_POW_ANSWERS} with that id')}\n\n"
        "The search waits until the action is old enough for it to be worth it, then takes seconds to hours.",
        takes=takes({"action_type": _ACTION, "entity_id": _ENTITY, "player_id": _PLAYER}, _POW_OPTIONS),
        gives=STARTED,
        annotations=STARTS,
        start=_start_proof,
        first=_told_proof,
    )


def _start_proof(shop: Shop, arguments: Arguments) -> Job:
    names = ("difficulty", "block_start", "max_iterations", "target_id")
    given = {name: arguments[name] for name in names if name in arguments}
    request = Request(
        action=arguments["action_type"], entity=arguments["entity_id"], player=arguments["player_id"], **given
    )
    return _submit(shop, shop.offer("pow"), asdict(request), {})


def _told_proof(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "status": "queued",
        "message": "The proof of work was started and goes on in the background.",
        "note": f"Call {_POW_ANSWERS} with this job_id to see how far it is; it survives restarts.",
    }


def _any_kind(shop: Shop) -> Tool:
    kinds = sorted(shop.offers)
    return Tool(
        name="jobs_start",
        title="Start a job",
        description=f"Start a job of a known kind. {AT_ONCE.format(poll=_STATUS)}\n\n"
        f"Kinds: {', '.join(kinds)}. Give a key, and the same call made twice starts it once.",
        takes=takes(
            {
                "kind": {"type": "string", "enum": kinds},
                "args": {
                    "anyOf": [{"type": "object"}, {"type": "array"}],
                    "description": 'The arguments: {"name": value}, or [value, …] by position.',
                },
            },
            SUBMISSION,
        ),
        gives=STARTED,
        annotations=STARTS,
        start=_start_any,
        first=told_job,
    )


def _start_any(shop: Shop, arguments: Arguments) -> Job:
    return _submit(shop, shop.offer(arguments["kind"]), arguments["args"], arguments)


def _by_kind(shop: Shop) -> Iterator[Tool]:
    for kind, offer in sorted(shop.offers.items()):
        if kind != "pow" and offer.schema is not None and len(kind) <= 100:
            yield Tool(
                name=f"start_{kind}",
                title=f"Start {kind}",
                description=f"{offer.summary or f'Start a job {kind}.'} {AT_ONCE.format(poll=_STATUS)}",
                takes=_with_submission(offer.schema),
                gives=STARTED,
                annotations=STARTS,
                start=partial(_start_kind, kind=kind),
                first=told_job,
            )


def _with_submission(schema: Mapping[str, Any]) -> Schema:
    return {**schema, "properties": {**schema["properties"], **SUBMISSION}}


def _start_kind(shop: Shop, arguments: Arguments, *, kind: str) -> Job:
    values = {name: value for name, value in arguments.items() if name not in SUBMISSION}
    return _submit(shop, shop.offer(kind), values, arguments)


def _submit(shop: Shop, offer: Offer, call: Any, options: Arguments) -> Job:
    """Store the job, durably, and return it: the one of the key, if that is known."""
    job = _new(offer, call, {name: options[name] for name in SUBMISSION if name in options})
    [submitted] = shop.service.submit([job])
    return shop.service.get(submitted.job_id)


def _new(offer: Offer, call: Any, options: Mapping[str, Any]) -> NewJob:
    by_name = isinstance(call, Mapping)
    if by_name:
        _check_names(offer, call)
    fields = {"args": [], "kwargs": dict(call)} if by_name else {"args": list(call), "kwargs": {}}
    return new_job(offer.spec, encode(fields, "the arguments"), queue=offer.queue, priority=offer.priority, **options)


def _check_names(offer: Offer, call: Mapping[str, Any]) -> None:
    """Raise UsageError for arguments the job could only fail with, as far as its schema tells."""
    schema = offer.schema or {}
    names, required = schema.get("properties", {}), schema.get("required", [])
    missing = [name for name in required if name not in call]
    unknown = [] if schema.get("additionalProperties", True) else [name for name in call if name not in names]
    if missing or unknown:
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(map(repr, unknown))}"
        raise UsageError(f"{offer.kind} {what:.200}.", f"It takes {', '.join(names) or 'no arguments'}.")
