"""The real-name platform of construction workers: its records, signatures and answers; a simulator of it.

Pure but for `client.py` and `simulator.py`. What the platform calls things is data: `dialect.py`.
"""

from sync.real_name.client import PlatformClient, Result
from sync.real_name.dialect import Dialect, DialectInvalid, read_dialect
from sync.real_name.errors import (
    AccessRefused,
    AnswerLost,
    NotSent,
    PlatformBusy,
    RealNameError,
    RequestRefused,
)
from sync.real_name.records import Attendance, RealNameWorker, Team
from sync.real_name.signing import AppSecret

__all__ = [
    "AccessRefused",
    "AnswerLost",
    "AppSecret",
    "Attendance",
    "Dialect",
    "DialectInvalid",
    "NotSent",
    "PlatformBusy",
    "PlatformClient",
    "RealNameError",
    "RealNameWorker",
    "RequestRefused",
    "Result",
    "Team",
    "read_dialect",
]
