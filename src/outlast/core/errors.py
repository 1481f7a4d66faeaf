"""Every error a caller can meet, as one tree.

OutlastError
├── UsageError            wrong input; nothing was changed
│   ├── NotStorable       a value that is not JSON
│   ├── NotImportable     a function that a job process could not import
│   └── UnknownActivity   an activity that was not given to the checklist
├── NotFound              no such job, or more than one
├── Conflict              the state forbids it
│   ├── KeyConflict       the key belongs to a job with other arguments
│   ├── IllegalMove       the table of moves forbids it
│   └── AlreadyDone       the activity is completed; it is not run again
├── Refused               forbidden here, whatever the state
├── Declined              nobody would answer what the job asked
├── Busy                  locked or away for the moment; try again
│   └── AlreadyClaimed    another process is doing the activity
├── WaitTimeout           (also TimeoutError) the job goes on
├── JobFailed             the job whose result was asked for has failed
├── StoreError
│   ├── StoreDamaged · StoreFull · StoreReadOnly · StoreNewer · StoreBroken · StoreGone
└── ClaimLost             a late write of an attempt that is over

BaseException
└── JobCancelled          raised inside a job that must stop, and by `Handle.result()` of a cancelled one
"""


class OutlastError(Exception):
    """A failure told in one line: what, why, and the step that mends it.

    `code` is the word in `--json` errors; `exit_code` is the command line's.
    """

    code = "internal"
    exit_code = 2
    failed_reason = "error"
    """The reason of a job that fails with this error: a word that the table of statuses allows for `failed`."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message} {fix}".strip())
        self.message = message
        self.fix = fix


class UsageError(OutlastError):
    code = "usage"


class NotStorable(UsageError):
    """A value is not JSON; the message names where in the value."""


class NotImportable(UsageError):
    """A function cannot be found again by another process."""


class UnknownActivity(UsageError):
    """The checklist was not given an activity of this name."""


class NotFound(OutlastError):
    code = "not_found"
    exit_code = 4


class Conflict(OutlastError):
    code = "conflict"


class KeyConflict(Conflict):
    """The idempotency key belongs to a job with other arguments."""


class IllegalMove(Conflict):
    """The table of moves does not allow this change of status."""


class AlreadyDone(Conflict):
    """The activity is completed, perhaps by another process meanwhile; it is not run again."""


class Refused(OutlastError):
    code = "refused"


class Declined(OutlastError):
    """A question of the job was declined."""

    code = "refused"


class Busy(OutlastError):
    code = "busy"
    exit_code = 3


class AlreadyClaimed(Busy):
    """Another process, or another thread, is doing the activity."""


class WaitTimeout(OutlastError, TimeoutError):
    """The wait ended first; the job goes on."""

    code = "timeout"
    exit_code = 5


class JobFailed(OutlastError):
    """The job failed; `job_id` and `reason` say which and how."""

    exit_code = 1

    def __init__(self, message: str, fix: str = "", *, job_id: str = "", reason: str = "") -> None:
        super().__init__(message, fix)
        self.job_id = job_id
        self.reason = reason


class StoreError(OutlastError):
    """The store cannot do its work."""


class StoreDamaged(StoreError):
    code = "store_damaged"


class StoreFull(StoreError):
    code = "store_full"
    exit_code = 3


class StoreReadOnly(StoreError):
    code = "store_read_only"


class StoreNewer(StoreError):
    code = "store_newer"


class StoreBroken(StoreError):
    """Reading, writing or locking failed in a way that waiting does not mend."""


class StoreGone(StoreError):
    """The store's file was removed or replaced while it was in use."""


class ClaimLost(OutlastError):
    """The attempt is over; its late write was refused and changed nothing."""


class JobCancelled(BaseException):
    """The job must stop now. A BaseException, so that `except Exception` does not swallow it."""
