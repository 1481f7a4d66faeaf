"""A job that submits other jobs and adds up what they return.

    python parent.py

The parent may be started anew at any time, so it must not submit its children twice: each child has a key made of the
parent's id. While the parent waits for a child it holds no process, so a parent never keeps its children from running.
"""

from squares import square

from outlast import Context, Outlast, job


@job
def sum_of_squares(ctx: Context, numbers: list[int]) -> dict[str, int]:
    children = [square.submit(number, key=f"{ctx.job_id}:{number}") for number in numbers]
    return {"sum": sum(child.result() for child in children), "children": len(children)}


if __name__ == "__main__":
    handle = sum_of_squares.submit([3, 4, 5])
    print(handle.result(timeout=60))
    for child in Outlast().list("kind:square")["jobs"]:
        print(child["job_id"], child["status"], child["result"])
