"""What the doctor looks at of a stack in AWS."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument
from stockstream.sessions import market_of
from stockstream_operate.doctor.catalog import examine_catalog
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.doctor.flow import read_flow
from stockstream_operate.doctor.size import examine_size
from stockstream_operate.doctor.stages import Expectation, judge_stages
from stockstream_operate.doctor.waiting import Snapshot
from stockstream_operate.instrument_list import ListError, read_followed
from stockstream_operate.page.market_hours import find_market_hours
from stockstream_operate.parameter_store import AWS_KEY, describe_secret
from stockstream_operate.redrive.error_files import PREFIXES
from stockstream_operate.stack import DEPLOYED, STEADY, Stack, StackError, ask_stack, find_stack
from stockstream_operate.stack_alarms import AlarmReader

_PENDING = "PendingConfirmation"
# They serve coins to everybody. Only the functions know the providers themselves; a test compares the two.
WITHOUT_A_KEY = ("alpaca", "kraken")

type Check = Callable[[Stack], Iterator[Finding]]


def examine_credentials() -> Iterator[Finding]:
    """Whether boto3 finds credentials and a region, and whose they are where it is asked."""
    try:
        session = boto3.Session()
        credentials = session.get_credentials()
    except BotoCoreError as error:
        # A profile that is not there, a file that is none.
        yield problem("credentials", str(error), "Set AWS_PROFILE to another, or unset it: `aws configure`.")
        return
    if credentials is None:
        yield note(
            "credentials",
            "AWS's tools find none",
            "Only AWS needs them: `aws configure`, or set AWS_PROFILE.",
        )
    else:
        yield good("credentials", f"found by {credentials.method}")
    if session.region_name is None:
        yield note("region", "none is set", "Only AWS needs one: set AWS_REGION, or `aws configure`.")
    else:
        yield good("region", session.region_name)


def examine_stack(name: str) -> Iterator[Finding]:
    """What is found of a deployed stack; what may not be asked is a finding of its own.

    Args:
        name: its name in CloudFormation.
    """
    try:
        account = boto3.client("sts").get_caller_identity()["Account"]
        yield good("account", account)
        stack = find_stack(name)
    except (BotoCoreError, ClientError, StackError) as error:
        yield problem(
            "stack", str(error), "Check the name, the region and the credentials; or deploy it: README.md."
        )
        return
    for subject, check in CHECKS.items():
        try:
            yield from check(stack)
        except (BotoCoreError, ClientError, StackError) as error:
            yield note(subject, f"it cannot be asked: {error}", "Ask with credentials that may read it.")


def look_at_stack(name: str, now: datetime) -> Snapshot:
    """A stack at a moment, for those who wait for its first bar.

    Raises:
        BotoCoreError, ClientError, StackError: it cannot be asked.
    """
    status, stack = ask_stack(name)
    if status not in STEADY:
        return Snapshot(status)
    return Snapshot(status, read_flow(stack, now), expect(stack, now))


def expect(stack: Stack, now: datetime) -> Expectation:
    """What can be expected of a stack, by its parameters."""
    parameters = stack.parameters
    buffer = timedelta(seconds=float(parameters.get("DeliveryBufferSeconds", "60")))
    try:
        instruments = read_followed(stack)
    except (InstrumentError, ListError):
        return Expectation(None, buffer)
    kept = parameters.get("MarketHours", "regular")
    # Instruments of one market open together, and there may be ten thousand.
    one_of_each = {_market_of(each, kept): each for each in instruments}.values()
    hours = [find_market_hours(each.name, kept, now) for each in one_of_each]
    opens = [each.until for each in hours if each and each.until and not each.is_open]
    # Nobody knows when a market without a calendar opens: then nothing is said of the others, either.
    return Expectation(min(opens) if len(opens) == len(hours) else None, buffer)


def _market_of(instrument: Instrument, hours: str) -> str | None:
    try:
        return market_of(instrument, hours)
    except InstrumentError:
        return None


def _examine_flow(stack: Stack) -> Iterator[Finding]:
    now = datetime.now(UTC)
    yield from judge_stages(read_flow(stack, now), expect(stack, now), stack.name, now)


def _examine_state(stack: Stack) -> Iterator[Finding]:
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    status, changed = described["StackStatus"], described.get("LastUpdatedTime", described["CreationTime"])
    version = stack.outputs.get("Version")
    of_version = f", version {version}" if version else ""  # a stack that is older than the output
    words = f"{status} since {changed:%Y-%m-%d %H:%M} UTC{of_version}"
    if status in DEPLOYED:
        yield good("stack", words)
    else:
        yield problem("stack", words, "Its events in CloudFormation's console say why.")


def _examine_schedule(stack: Stack) -> Iterator[Finding]:
    scheduler = boto3.client("scheduler")
    for logical, physical in stack.resources("AWS::Scheduler::Schedule").items():
        state = scheduler.get_schedule(Name=physical.rpartition("|")[2])["State"]
        if state == "ENABLED":
            yield good("schedule", f"{logical} is enabled")
        else:
            yield problem(
                "schedule",
                f"{logical} is {state}",
                f"make deploy ARGS='--stack {stack.name} ScheduleState=ENABLED'",
            )


def _examine_key(stack: Stack) -> Iterator[Finding]:
    name = stack.parameters.get("ApiKeyParameterName", "")
    if not name:
        yield good("provider's key", "the stack reads none")
        return
    if stack.parameters.get("Provider") in WITHOUT_A_KEY and _follows_coins_alone(stack):
        yield good("provider's key", "it serves these coins without one")
        return
    found = describe_secret(name)
    remedy = f".venv/bin/stockstream secret {name}"
    if not found:
        yield note("provider's key", f"there is no parameter {name}", remedy)
    elif found["Type"] != "SecureString":
        yield problem("provider's key", f"{name} is stored in the clear", remedy)
    elif not _may_decrypt(found.get("KeyId", AWS_KEY), stack.parameters.get("SecretsKeyArn", "")):
        yield problem(
            "provider's key",
            f"{name} is encrypted with {found['KeyId']}, which the producer may not use",
            f"make deploy ARGS='--stack {stack.name} SecretsKeyArn=ARN-OF-THAT-KEY'",
        )
    else:
        yield good("provider's key", f"{name} is there")


def _follows_coins_alone(stack: Stack) -> bool:
    try:
        return all(each.asset_class == "crypto" for each in read_followed(stack))
    except (InstrumentError, ListError):
        return False


def _may_decrypt(key: str, secrets_key: str) -> bool:
    """Whether the functions may use a KMS key, as far as its name tells: an alias may be any key's."""
    if key == AWS_KEY:
        return True
    return bool(secrets_key) and ("alias/" in key or secrets_key.endswith(key.rpartition("/")[2]))


def _examine_alarms(stack: Stack) -> Iterator[Finding]:
    states = AlarmReader(stack, boto3.client("cloudwatch")).read()
    alarming = [each.name for each in states if each.is_alarming]
    if alarming:
        yield problem("alarms", f"in ALARM: {', '.join(alarming)}", "Each has an entry in docs/runbook.md.")
    else:
        yield good("alarms", "none is in ALARM")


def _examine_mail(stack: Stack) -> Iterator[Finding]:
    pages = (
        boto3.client("sns")
        .get_paginator("list_subscriptions_by_topic")
        .paginate(TopicArn=stack.output("NoticeTopicArn"))
    )
    people = [each for page in pages for each in page["Subscriptions"]]
    waiting = [each["Endpoint"] for each in people if each["SubscriptionArn"] == _PENDING]
    if waiting:
        yield problem("notices", f"{', '.join(waiting)} is not confirmed", "Click on the link in SNS's mail.")
    elif people:
        yield good("notices", f"{len(people)} subscribed to the topic of notices")
    else:
        yield note(
            "notices",
            "nobody is subscribed to the topic of notices",
            "Nothing else says that the alert function itself has failed: AlertEmail, docs/notices.md.",
        )


def _examine_dead_letters(stack: Stack) -> Iterator[Finding]:
    answer = boto3.client("sqs").get_queue_attributes(
        QueueUrl=stack.output("DeadLetterQueueUrl"), AttributeNames=["ApproximateNumberOfMessages"]
    )
    waiting = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    if waiting:
        yield problem(
            "dead letters", f"{waiting} wait", f"`stockstream dead-letters --stack {stack.name}` shows them."
        )
    else:
        yield good("dead letters", "none wait")


def _examine_set_aside(stack: Stack) -> Iterator[Finding]:
    s3, bucket = boto3.client("s3"), stack.output("LakeBucketName")
    found = [
        prefix
        for prefix in PREFIXES
        if s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount")
    ]
    if found:
        yield problem(
            "set aside",
            f"there are files below {', '.join(found)}",
            f"`stockstream redrive --stack {stack.name}`",
        )
    else:
        yield good("set aside", "nothing waits to be sent again")


# By the subject of what cannot be asked.
CHECKS: dict[str, Check] = {
    "stack": _examine_state,
    "schedule": _examine_schedule,
    "provider's key": _examine_key,
    "size": examine_size,
    "flow": _examine_flow,
    "catalog": examine_catalog,
    "alarms": _examine_alarms,
    "notices": _examine_mail,
    "dead letters": _examine_dead_letters,
    "set aside": _examine_set_aside,
}
