"""AWS's list prices in US dollars, without tax.

Another region is another entry of PRICES.
"""

from dataclasses import dataclass

# Of which month they are, and the pages on which AWS lists them:
# https://aws.amazon.com/kinesis/data-streams/pricing/     https://aws.amazon.com/firehose/pricing/
# https://aws.amazon.com/lambda/pricing/                   https://aws.amazon.com/dynamodb/pricing/on-demand/
# https://aws.amazon.com/cloudwatch/pricing/               https://aws.amazon.com/s3/pricing/
# https://aws.amazon.com/opensearch-service/pricing/       https://aws.amazon.com/athena/pricing/
# https://aws.amazon.com/step-functions/pricing/
AS_OF = "November 2026"
HOURS = 730


@dataclass(frozen=True, slots=True)
class Prices:
    """One region's, each for one of what its name says."""

    shard_hour: float
    put_unit: float
    firehose_gb: float
    conversion_gb: float
    lambda_gb_second: float
    lambda_call: float
    write_unit: float
    read_unit: float
    metric_month: float
    alarm_month: float
    composite_alarm_month: float
    dashboard_month: float
    log_gb: float
    s3_put: float
    s3_get: float
    s3_gb_month: float
    athena_tb: float
    transition: float
    search_hour: float
    search_gb_month: float


PRICES = {
    "us-east-1": Prices(
        shard_hour=0.015,
        put_unit=0.014e-6,  # of 25 KB
        firehose_gb=0.029,  # each record rounded up to 5 KB
        conversion_gb=0.018,
        lambda_gb_second=0.0000133334,  # arm64
        lambda_call=0.20e-6,
        write_unit=0.625e-6,  # of 1 KB
        read_unit=0.125e-6,  # of 4 KB
        metric_month=0.30,
        alarm_month=0.10,
        composite_alarm_month=0.50,
        dashboard_month=3.0,
        log_gb=0.50,
        s3_put=0.005e-3,
        s3_get=0.0004e-3,
        s3_gb_month=0.023,
        athena_tb=5.0,
        transition=0.025e-3,  # of a state machine
        search_hour=0.036,  # t3.small.search
        search_gb_month=0.122,
    )
}

# Athena bills a query as so many bytes at least.
ATHENA_LEAST_BYTES = 10_000_000
# The always-free tier of an account: it does not end after a year.
FREE_ALARM_METRICS = 10
FREE_METRICS = 10
FREE_DASHBOARDS = 3
FREE_LOG_GB = 5.0
FREE_LAMBDA_CALLS = 1_000_000
FREE_GB_SECONDS = 400_000
FREE_TRANSITIONS = 4_000
