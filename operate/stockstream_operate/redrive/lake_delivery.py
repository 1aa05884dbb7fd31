"""Delivering what Firehose could not convert to Parquet: as JSON, which the lake's views read too."""

import gzip
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockstream_operate.lake.delivered import PREFIX
from stockstream_operate.redrive.set_aside import digest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def deliver_as_json(s3: "S3Client", bucket: str, documents: Sequence[tuple[str, bytes]]) -> None:
    """Writes documents where Firehose would have written them as JSON, a file for each day of arrival.

    A file is named after what it holds, so that a repetition writes the same file again.

    Args:
        s3: boto3's client.
        bucket: the lake's.
        documents: the day (UTC, `YYYY-MM-DD`) on which each arrived, and itself.
    """
    days: dict[str, list[bytes]] = defaultdict(list)
    for day, document in documents:
        days[day].append(document.rstrip(b"\n") + b"\n")
    for day, lines in days.items():
        plain = b"".join(lines)
        key = f"{PREFIX}dt={day}/redriven-{digest(plain)}.json.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(plain, mtime=0))
