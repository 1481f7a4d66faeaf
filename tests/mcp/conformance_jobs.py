"""The jobs that the official conformance suite wants to be offered."""

import os
from typing import Any

from outlast import Context, job


@job
def slow_compute(ctx: Context, seconds: float = 1, label: str = "") -> dict[str, Any]:
    """Take so many seconds."""
    ctx.progress(done=0, total=seconds, message=label)
    ctx.wait(seconds)
    return {"label": label, "seconds": seconds}


@job
def failing_job() -> None:
    """Fail."""
    raise ValueError("it always fails")


@job
def protocol_error_job() -> None:
    """Be gone when it is to run."""


@job
def confirm_delete(ctx: Context, filename: str) -> dict[str, Any]:
    """Ask before a file would be deleted."""
    schema = {"type": "object", "properties": {"confirm": {"type": "boolean"}}, "required": ["confirm"]}
    return {"filename": filename, **ctx.ask(f"Delete {filename}?", schema)}


@job
def multi_input(ctx: Context) -> dict[str, Any]:
    """Ask two things at once."""
    name = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    confirm = {"type": "object", "properties": {"confirm": {"type": "boolean"}}, "required": ["confirm"]}
    return ctx.ask_all({"who": ("Your name?", name), "sure": ("Are you sure?", confirm)})


@job
def greet_user(user_name: str) -> str:
    """Greet somebody."""
    return f"Hello, {user_name}!"


if "OUTLAST_PROCESS_ID" in os.environ:  # in a job process: the function is not there any more
    del protocol_error_job
