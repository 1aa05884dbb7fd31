"""The emulator's process: ministack, corrected, which ends when its starter does, however that ended.

Run by server.py as the leader of a process group of its own, with a pipe as its standard input.
"""

import os
import signal
import sys
from threading import Thread

from ministack import app as ministack

from stockstream_local.emulator import (
    corrected_cloudformation,
    corrected_cloudwatch,
    corrected_firehose,
    corrected_kinesis,
    corrected_lambda,
)
from stockstream_local.emulator.signed_requests import admit_signed

CORRECTED = (
    corrected_cloudformation,
    corrected_cloudwatch,
    corrected_firehose,
    corrected_kinesis,
    corrected_lambda,
)


def _end_with_parent() -> None:
    # The pipe has no other writer: it ends when the parent does, even if that was killed.
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    Thread(target=_end_with_parent, daemon=True).start()
    for service in CORRECTED:
        service.correct()
    ministack.app = admit_signed(
        ministack.app, int(os.environ["GATEWAY_PORT"]), os.environ["AWS_SECRET_ACCESS_KEY"]
    )
    ministack.main()
