"""What every command begins with."""

from stockstream_operate.running import take_region


def test_the_region_is_taken_from_the_variable_that_aws_own_tools_read_first() -> None:
    """boto3 and sam read AWS_DEFAULT_REGION alone."""
    environ = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}
    take_region(environ)
    assert environ["AWS_DEFAULT_REGION"] == "eu-west-1"

    other = {"AWS_DEFAULT_REGION": "us-east-1"}
    take_region(other)
    assert other == {"AWS_DEFAULT_REGION": "us-east-1"}
