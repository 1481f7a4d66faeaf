"""The job that the parent of `parent.py` submits."""

from outlast import job


@job
def square(number: int) -> int:
    print(f"the square of {number}")
    return number * number
