"""JSON schemas of what tools take and give."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

STATUSES = ["queued", "running", "waiting", "completed", "failed", "cancelled"]
JOB_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 400,
    "description": "The whole id, as the starting tool returned it.",
}
CURSOR: Schema = {"type": "string", "maxLength": 400, "description": "next_cursor of the call before; opaque."}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 300}
KEY: Schema = {
    **NAME,
    "description": "Idempotency key: the same key returns the same job, however often it is sent.",
}
ACCOUNT: Schema = {**NAME, "description": "Whose job it is."}
LABELS: Schema = {
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 300},
    "description": 'More names for jobs_list, e.g. {"env": "prod"}.',
}
SUBMISSION: Mapping[str, Schema] = {"key": KEY, "account": ACCOUNT, "labels": LABELS}

# Each type alone: some clients know no lists of types.
_TEXT_OR_NULL: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}
ANY: Schema = {"anyOf": [{"type": name} for name in ("string", "number", "boolean", "object", "array", "null")]}
JOB: Schema = {
    "type": "object",
    "description": "The job object; more keys stand in it where they apply: result, once completed.",
    "properties": {
        "job_id": {"type": "string"},
        "status": {"type": "string", "enum": STATUSES},
        "kind": {"type": "string"},
        "created_at": {"type": "string"},
        "started_at": {"type": "string"},
        "updated_at": {"type": "string"},
        "completed_at": {"type": "string"},
        "attempts": {"type": "integer"},
        "error": {"type": "string"},
        "reason": {"type": "string"},
        "waiting_info": {"type": "object"},
        "progress": {"type": "object"},
    },
    "required": ["job_id", "status"],
}
STARTED: Schema = {
    **JOB,
    "description": "At the start job_id, status, message and note; as a finished task the whole job object.",
    "properties": {**JOB["properties"], "message": {"type": "string"}, "note": {"type": "string"}},
}
JOBS: Schema = {
    "type": "object",
    "properties": {
        "jobs": {"type": "array", "items": JOB},
        "next_cursor": {**_TEXT_OR_NULL, "description": "null: that was the last page."},
    },
    "required": ["jobs", "next_cursor"],
}
TEXT_PAGE: Schema = {
    "type": "object",
    "properties": {
        "job_id": {"type": "string"},
        "status": {"type": "string", "enum": STATUSES},
        "text": {"type": "string"},
        "bytes": {"type": "integer", "description": "The length of the whole text."},
        "next_cursor": _TEXT_OR_NULL,
        "earlier_cursor": _TEXT_OR_NULL,
    },
    "required": ["job_id", "status", "text", "next_cursor"],
}
CHECKLISTS: Schema = {
    "type": "object",
    "properties": {"checklists": {"type": "array", "items": {"type": "object"}}},
    "required": ["checklists"],
}
REPORT: Schema = {"type": "object"}


def takes(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of arguments by name."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
