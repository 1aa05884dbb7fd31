"""The notice receiver: takes JSON objects by POST, and nothing else."""

from queue import Empty

import pytest
import requests

from stockstream_local.notices import NoticeReceiver


def test_keeps_a_notice_until_it_is_taken() -> None:
    with NoticeReceiver() as receiver:
        assert requests.post(f"{receiver.url}/any", json={"title": "ALARM"}, timeout=5).status_code == 200

        assert receiver.notices.get_nowait() == {"title": "ALARM"}
        with pytest.raises(Empty):
            receiver.notices.get_nowait()


@pytest.mark.parametrize("body", [b"", b"hello", b"[1]", b"\xff"], ids=repr)
def test_refuses_what_is_no_notice(body: bytes) -> None:
    with NoticeReceiver() as receiver:
        assert requests.post(receiver.url, data=body, timeout=5).status_code == 400
        assert requests.get(receiver.url, timeout=5).status_code == 400
        assert receiver.notices.empty()
