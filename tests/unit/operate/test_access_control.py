"""Who may come in."""

import pytest

from stockstream_operate.access_control import AccessControl, Caller

PORT = 8501


@pytest.fixture
def access() -> AccessControl:
    return AccessControl(PORT)


def head(**headers: str) -> dict[str, str | None]:
    return {"Host": f"127.0.0.1:{PORT}", **{name.replace("_", "-"): text for name, text in headers.items()}}


def test_the_key_opens_and_the_cookie_keeps_it_open(access: AccessControl) -> None:
    cookie = access.set_cookie.partition(";")[0]

    assert access.identify(head(), access.key) is Caller.BRINGS_KEY
    assert access.identify(head(Cookie=f"other=1; {cookie}"), None) is Caller.KNOWN


@pytest.mark.parametrize("key", [None, "", "wrong", "ключ"])
def test_without_the_key_nobody_is_known(access: AccessControl, key: str | None) -> None:
    assert access.identify(head(), key) is Caller.UNKNOWN
    assert access.identify(head(Cookie=f"{access.cookie}={key}"), None) is Caller.UNKNOWN
    assert access.identify(head(Cookie='"; broken=\x01'), key) is Caller.UNKNOWN


def test_the_cookie_is_for_this_page_alone_and_for_no_script(access: AccessControl) -> None:
    attributes = access.set_cookie.split("; ")[1:]

    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]
    # Cookies know no ports, so that another start's cookie must have another name.
    assert AccessControl(PORT + 1).cookie != access.cookie


def test_whom_a_request_is_passed_on_to_is_not_told_the_key(access: AccessControl) -> None:
    cookie = f"{access.cookie}={access.key}"

    assert access.without_key(f"a=1; {cookie}; b=2") == "a=1; b=2"
    assert access.without_key(cookie) == access.without_key(None) == ""


def test_each_start_has_a_key_of_its_own(access: AccessControl) -> None:
    assert len(access.key) >= 43  # 256 bits
    assert AccessControl(PORT).key != access.key


def test_a_browser_s_argument_opens_once(access: AccessControl) -> None:
    key = access.make_single_key()

    assert access.identify(head(), key) is Caller.BRINGS_KEY
    assert access.identify(head(), key) is Caller.UNKNOWN
    assert access.identify(head(Cookie=f"{access.cookie}={key}"), None) is Caller.UNKNOWN


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
    access: AccessControl, headers: dict[str, str]
) -> None:
    cookie = f"{access.cookie}={access.key}"

    assert access.identify(head(**{"Cookie": cookie, **headers}), access.key) is Caller.FOREIGN


def test_a_foreign_request_does_not_use_a_key_up(access: AccessControl) -> None:
    key = access.make_single_key()
    access.identify(head(Origin="http://evil.test"), key)

    assert access.identify(head(), key) is Caller.BRINGS_KEY


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_itself_and_a_typed_address_are_at_home(access: AccessControl, site: str) -> None:
    origin = f"http://127.0.0.1:{PORT}"
    asked = head(Cookie=f"{access.cookie}={access.key}", Origin=origin, Sec_Fetch_Site=site)

    assert access.identify(asked, None) is Caller.KNOWN
