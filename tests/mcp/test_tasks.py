"""Jobs as MCP Tasks: the extension of the protocol's revision 2026-07-28, with the SDK's client."""

from datetime import datetime
from typing import Any

import mcp_types as types
import pytest
from mcp import Client, MCPError

from outlast import Context, job
from outlast.clients.mcp import tasks
from outlast.clients.mcp.tools import Shop
from outlast.core.errors import NotFound
from outlast.core.status import Status
from tests.mcp.talking import asked, called, started, talk
from tests.waiting import eventually
from tests.workshop import Workshop

DAY_MS = 86_400_000


@job(keep=True)
def kept() -> int:
    return 1


@job
def colours(ctx: Context) -> Any:
    return [ctx.ask("Which colour?", {"enum": ["red", "blue"]}), ctx.ask("Why?")]


def test_a_starting_tool_gives_a_handle_whose_job_is_stored(shop: Shop, workshop: Workshop) -> None:
    async def work(client: Client) -> dict[str, Any]:
        return await started(client, "start_slow_compute", seconds=3600)

    handle = talk(shop, work, tasks=True)

    assert handle["resultType"] == "task"
    assert handle["status"] == "working"
    assert handle["ttlMs"] == pytest.approx(7 * DAY_MS, abs=5_000)
    assert handle["pollIntervalMs"] == tasks.LEAST_POLL_MS
    job = workshop.service.get(handle["taskId"])
    assert job.kind == "slow_compute"
    assert job.hold_until == job.created_at + handle["ttlMs"]
    assert datetime.fromisoformat(handle["createdAt"]).timestamp() == job.created_at / 1000


def test_a_client_follows_a_task_to_the_job_object(shop: Shop) -> None:
    async def work(client: Client) -> tuple[types.CallToolResult, dict[str, Any]]:
        answer = await client.call_tool("start_slow_compute", {"seconds": 0.1, "label": "x"})
        job_id = answer.structured_content["job_id"]
        return answer, await called(client, "jobs_status", job_id=job_id)

    answer, job = talk(shop, work, tasks=True)

    assert not answer.is_error
    assert answer.structured_content == job
    assert job["result"] == {"label": "x", "seconds": 0.1}


def test_a_failed_job_is_a_completed_task_with_an_error(shop: Shop) -> None:
    async def work(client: Client) -> types.CallToolResult:
        return await client.call_tool("start_failing_job", {})

    answer = talk(shop, work, tasks=True)

    assert answer.is_error
    assert answer.structured_content["error"] == "ValueError: it always fails"
    assert answer.structured_content["status"] == "failed"


def test_a_job_whose_code_is_gone_is_a_failed_task(shop: Shop, workshop: Workshop) -> None:
    async def work(client: Client) -> dict[str, Any]:
        handle = await started(client, "start_protocol_error_job")
        eventually(lambda: workshop.service.get(handle["taskId"]).status.is_end, what="the end")
        return await asked(client.session, "tasks/get", taskId=handle["taskId"])

    task = talk(shop, work, tasks=True)

    assert task["status"] == "failed"
    assert task["error"]["code"] == types.INTERNAL_ERROR
    assert "result" not in task


def test_what_a_job_asks_is_an_input_request_until_it_is_answered(shop: Shop, workshop: Workshop) -> None:
    handle = workshop.submit(colours)
    workshop.until(handle, Status.WAITING)

    async def work(client: Client) -> None:
        async def update(**responses: Any) -> dict[str, Any]:
            return await asked(client.session, "tasks/update", taskId=handle.id, inputResponses=responses)

        task = await asked(client.session, "tasks/get", taskId=handle.id)
        assert task["status"] == "input_required"
        assert task["inputRequests"]["1"]["method"] == "elicitation/create"
        params = task["inputRequests"]["1"]["params"]
        assert params["message"] == "Which colour?"
        assert params["requestedSchema"]["properties"] == {"answer": {"enum": ["red", "blue"]}}
        for wrong in ("red", {}, {"action": "accept", "content": {"answer": "green"}}, {"action": "accept"}):
            with pytest.raises(MCPError) as caught:
                await update(**{"1": wrong})
            assert caught.value.code == types.INVALID_PARAMS
        await update(other={"action": "accept", "content": {}})
        await update(**{"1": {"action": "cancel"}})
        assert (await asked(client.session, "tasks/get", taskId=handle.id))["status"] == "input_required"
        acknowledged = await update(**{"1": {"action": "accept", "content": {"answer": "red"}}})
        assert {"taskId", "status"}.isdisjoint(acknowledged)
        await update(**{"1": {"action": "accept", "content": {"answer": "blue"}}})
        eventually(lambda: workshop.job(handle).waiting_info, what="the next question")
        await update(**{"2": {"action": "decline"}})

    talk(shop, work, tasks=True)

    job = workshop.until_ended(handle)
    assert job.error == "Declined: The question '2' was declined: Why?"


def test_a_task_is_cancelled_and_a_finished_one_stays(shop: Shop, workshop: Workshop) -> None:
    async def work(client: Client) -> dict[str, Any]:
        handle = await started(client, "start_slow_compute", seconds=3600)
        for _ in range(2):
            await asked(client.session, "tasks/cancel", taskId=handle["taskId"])
            eventually(lambda: workshop.service.get(handle["taskId"]).status is Status.CANCELLED, what="the end")
        return await asked(client.session, "tasks/get", taskId=handle["taskId"])

    assert talk(shop, work, tasks=True)["status"] == "cancelled"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
@pytest.mark.parametrize("task_id", ["nope", "", "x" * 300, "../../etc\0"])
def test_an_unknown_task_is_invalid(shop: Shop, method: str, task_id: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(MCPError) as caught:
            await asked(client.session, method, taskId=task_id, inputResponses={})
        assert caught.value.code == types.INVALID_PARAMS

    talk(shop, work, tasks=True)


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_client_that_did_not_declare_tasks_is_told_so(shop: Shop, method: str, era: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(MCPError) as caught:
            await asked(client.session, method, taskId="nope", inputResponses={})
        assert caught.value.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY
        assert caught.value.data["requiredCapabilities"]["extensions"] == {tasks.EXTENSION: {}}

    talk(shop, work, era=era)


def test_only_a_kept_job_lives_for_ever(shop: Shop, workshop: Workshop) -> None:
    handle = workshop.submit(kept)
    workshop.until_ended(handle)

    async def work(client: Client) -> dict[str, Any]:
        return await asked(client.session, "tasks/get", taskId=handle.id)

    assert talk(shop, work, tasks=True)["ttlMs"] is None


def test_the_poll_interval_grows_with_age() -> None:
    ages = [0, 9_000, 20_000, 300_000, 3_600_000, 10 * DAY_MS]
    assert [tasks.poll_interval(age) for age in ages] == [1_000, 1_000, 2_000, 30_000, 60_000, 60_000]


def test_what_was_promised_is_not_shortened_and_retention_keeps_it(shop: Shop, workshop: Workshop) -> None:
    async def work(client: Client) -> list[int]:
        handle = await started(client, "start_slow_compute", seconds=0)
        eventually(lambda: workshop.service.get(handle["taskId"]).status.is_end, what="the end")
        told = [handle] + [await asked(client.session, "tasks/get", taskId=handle["taskId"]) for _ in range(2)]
        job = workshop.service.get(handle["taskId"])
        eventually(lambda: workshop.service.get(job.id).read_at, what="the reading to be noted")
        store = workshop.service.store
        for read in (True, False):
            assert store.prune(older_than_seconds=-60, limit=10, read=read) == []
        assert workshop.service.get(job.id)
        assert store.prune(older_than_seconds=-60, limit=10) == [job.id]
        with pytest.raises(NotFound):
            workshop.service.get(job.id)
        return [each["ttlMs"] for each in told]

    first, *later = talk(shop, work, tasks=True)

    assert all(each >= first for each in later)
