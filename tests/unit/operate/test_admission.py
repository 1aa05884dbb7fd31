"""Who may come in."""

import pytest

from stockstream_operate.admission import Admission, Verdict

PORT = 8501


@pytest.fixture
def admission() -> Admission:
    return Admission(PORT)


def head(**headers: str) -> dict[str, str | None]:
    return {"Host": f"127.0.0.1:{PORT}", **{name.replace("_", "-"): text for name, text in headers.items()}}


def test_the_key_opens_and_the_cookie_keeps_it_open(admission: Admission) -> None:
    cookie = admission.set_cookie.partition(";")[0]

    assert admission.judge(head(), admission.key) is Verdict.BRINGS_KEY
    assert admission.judge(head(Cookie=f"other=1; {cookie}"), None) is Verdict.KNOWN


@pytest.mark.parametrize("key", [None, "", "wrong", "ключ"])
def test_without_the_key_nobody_is_known(admission: Admission, key: str | None) -> None:
    assert admission.judge(head(), key) is Verdict.UNKNOWN
    assert admission.judge(head(Cookie=f"{admission.cookie}={key}"), None) is Verdict.UNKNOWN
    assert admission.judge(head(Cookie='"; broken=\x01'), key) is Verdict.UNKNOWN


def test_the_cookie_is_for_this_page_alone_and_for_no_script(admission: Admission) -> None:
    attributes = admission.set_cookie.split("; ")[1:]

    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]
    # Cookies know no ports, so that another start's cookie must have another name.
    assert Admission(PORT + 1).cookie != admission.cookie


def test_whom_a_request_is_passed_on_to_is_not_told_the_key(admission: Admission) -> None:
    cookie = f"{admission.cookie}={admission.key}"

    assert admission.without_key(f"a=1; {cookie}; b=2") == "a=1; b=2"
    assert admission.without_key(cookie) == admission.without_key(None) == ""


def test_each_start_has_a_key_of_its_own(admission: Admission) -> None:
    assert len(admission.key) >= 43  # 256 bits
    assert Admission(PORT).key != admission.key


def test_a_browser_s_argument_opens_once(admission: Admission) -> None:
    key = admission.make_single_key()

    assert admission.judge(head(), key) is Verdict.BRINGS_KEY
    assert admission.judge(head(), key) is Verdict.UNKNOWN
    assert admission.judge(head(Cookie=f"{admission.cookie}={key}"), None) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": f"evil.test:{PORT}"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_a_page_from_elsewhere_is_foreign_even_with_the_key(
    admission: Admission, headers: dict[str, str]
) -> None:
    cookie = f"{admission.cookie}={admission.key}"

    assert admission.judge(head(**{"Cookie": cookie, **headers}), admission.key) is Verdict.FOREIGN


def test_a_foreign_request_does_not_use_a_key_up(admission: Admission) -> None:
    key = admission.make_single_key()
    admission.judge(head(Origin="http://evil.test"), key)

    assert admission.judge(head(), key) is Verdict.BRINGS_KEY


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_itself_and_a_typed_address_are_at_home(admission: Admission, site: str) -> None:
    origin = f"http://127.0.0.1:{PORT}"
    asked = head(Cookie=f"{admission.cookie}={admission.key}", Origin=origin, Sec_Fetch_Site=site)

    assert admission.judge(asked, None) is Verdict.KNOWN
