"""Who asks a search server: by its address, and a sentence for each refusal."""

import pytest
import requests
from opensearchpy import AuthenticationException, ConnectionTimeout, RequestsAWSV4SignerAuth, TransportError
from opensearchpy import ConnectionError as NoConnectionError
from opensearchpy import SSLError as BadCertificateError

from stockstream_operate.search.client import SearchError, Server, explain, find_server

DOMAIN = "https://search-bars-abc123.eu-west-1.es.amazonaws.com"


def test_amazons_domains_get_requests_signed_for_the_region_of_their_address() -> None:
    server = find_server(f"{DOMAIN}/")

    assert server.endpoint == DOMAIN
    assert server.is_amazons
    assert isinstance(server.auth, RequestsAWSV4SignerAuth)
    assert (server.auth.signer.region, server.auth.signer.service) == ("eu-west-1", "es")


def test_a_request_to_a_domain_bears_a_signature() -> None:
    server = find_server(DOMAIN)
    request = requests.Request("POST", f"{DOMAIN}/_bulk", data=b"{}\n", auth=server.auth).prepare()

    assert "Credential=test/" in request.headers["Authorization"]
    assert "/eu-west-1/es/aws4_request" in request.headers["Authorization"]


def test_a_server_on_this_machine_is_asked_as_it_is() -> None:
    assert find_server("http://127.0.0.1:9200") == Server("http://127.0.0.1:9200", None)


def test_a_user_goes_before_a_signature() -> None:
    assert find_server(DOMAIN, user=("ann", "secret")).auth == ("ann", "secret")


def test_a_domain_under_a_name_of_its_own_is_signed_for_where_its_region_is_said() -> None:
    auth = find_server("https://search.example.org", region="us-east-2").auth

    assert isinstance(auth, RequestsAWSV4SignerAuth)
    assert auth.signer.region == "us-east-2"


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("http://search.example.org", "https://..."),
        ("search.example.org", "https://..."),
        ("https://ann:secret@search.example.org", "--user"),
        ("https://search.example.org/_dashboards", "https://host[:port]"),
        ("https://abc.us-east-1.aoss.amazonaws.com", "Serverless"),
    ],
)
def test_refuses_an_address_with_a_reason_and_tells_no_password(endpoint: str, told: str) -> None:
    with pytest.raises(SearchError) as refused:
        find_server(endpoint)

    assert told in str(refused.value)
    assert "secret" not in str(refused.value)


def test_says_when_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")

    with pytest.raises(SearchError, match="aws configure"):
        find_server(DOMAIN)


SERVER = Server("https://search.example.org", None)
USER = Server("https://search.example.org", ("ann", "secret"))


@pytest.mark.parametrize(
    ("error", "server", "told"),
    [
        (BadCertificateError("N/A", "bad", Exception("x")), SERVER, "certificate"),
        (ConnectionTimeout("TIMEOUT", "slow", Exception("x")), SERVER, "in a VPC"),
        (NoConnectionError("N/A", "gone", Exception("x")), SERVER, "cannot be reached"),
        (requests.exceptions.SSLError("bad"), SERVER, "certificate"),
        (requests.ConnectionError("gone"), SERVER, "cannot be reached"),
        (requests.Timeout("slow"), SERVER, "in a VPC"),
        (AuthenticationException(401, "Unauthorized", "Unauthorized"), USER, "name and the password"),
        (AuthenticationException(401, "Unauthorized", "Unauthorized"), SERVER, "Give --user"),
        (
            TransportError(403, "security_exception", {"error": {"reason": "no permissions for [x]"}}),
            SERVER,
            "no permissions for [x]",
        ),
        (TransportError(404, "not found", {"message": "no"}), SERVER, "Is that an OpenSearch server?"),
        (TransportError(503, "unavailable", "busy\nnow"), SERVER, "refuses: busy now"),
    ],
)
def test_says_what_a_refusal_means(error: TransportError, server: Server, told: str) -> None:
    said = explain(error, server)

    assert told in said
    assert "search.example.org" in said
    assert "secret" not in said
    assert "\n" not in said
