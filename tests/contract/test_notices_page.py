"""docs/notices.md: its Python tells our notices from others, and its table has the fields that are sent."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from notice_payloads import render_samples
from resolved_template import TEMPLATE

from alert.channels.webhook import SIGNATURE_HEADER, sign

PAGE = (Path(__file__).parents[2] / "docs" / "notices.md").read_text(encoding="utf-8")
BODY, KEY = b'{"schema":"notice.v1"}', "a shared secret"


@pytest.fixture
def is_genuine() -> Callable[[bytes, str, str], bool]:
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    return cast("Callable[[bytes, str, str], bool]", names["is_genuine"])


def test_the_pages_python_knows_our_notices(is_genuine: Callable[[bytes, str, str], bool]) -> None:
    now = int(time.time())

    assert SIGNATURE_HEADER in PAGE
    assert is_genuine(BODY, sign(BODY, KEY, now), KEY)
    assert not is_genuine(BODY + b" ", sign(BODY, KEY, now), KEY)
    assert not is_genuine(BODY, sign(BODY, "another", now), KEY)
    assert not is_genuine(BODY, sign(BODY, KEY, now - 600), KEY)
    assert not is_genuine(BODY, sign(BODY, KEY, now).replace(str(now), str(now - 1)), KEY)


@pytest.mark.parametrize("header", ["", "t=", "t=1", "v1=00", "t=x,v1=00", "t=²,v1=00"])
def test_the_pages_python_refuses_what_is_no_signature(
    is_genuine: Callable[[bytes, str, str], bool], header: str
) -> None:
    assert not is_genuine(BODY, header, KEY)


def test_the_pages_table_has_the_fields_that_are_sent() -> None:
    _, section = PAGE.split("## The webhook's JSON")
    fields = re.findall(r"^\| ([a-z_]+) \| (?!meaning)", section, re.MULTILINE)

    for _, channels in render_samples():
        assert list(channels["webhook"]) == fields


def test_the_page_names_parameters_that_there_are() -> None:
    named = set(re.findall(r"\b(\w+ParameterName|AlertEmail)\b", PAGE))

    assert named == {name for name in TEMPLATE["Parameters"] if name.endswith("ParameterName")} - {
        "ApiKeyParameterName"
    } | {"AlertEmail"}
    assert "NoticeTopicArn" in TEMPLATE["Outputs"]
