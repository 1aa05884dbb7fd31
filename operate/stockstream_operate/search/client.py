"""A client for a search server, with a password, a signature or neither; and what its errors mean."""

import os
import re
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

import botocore.session
import requests
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy import (
    ConnectionError as NoConnectionError,
)
from opensearchpy import (
    ConnectionTimeout,
    OpenSearch,
    RequestsAWSV4SignerAuth,
    RequestsHttpConnection,
    SSLError,
    TransportError,
)

from stockstream.errors import StockstreamError
from stockstream.settings import is_private
from stockstream_operate.inputs import ask_secretly

TIMEOUT_SECONDS = 30
PASSWORD = "STOCKSTREAM_SEARCH_PASSWORD"  # noqa: S105 (the name of a variable)
_AMAZON = re.compile(r"\.([a-z0-9-]+)\.(es|aoss)\.amazonaws\.com(\.cn)?$")
# The messages of the server itself, shortened to what fits on a screen.
_LONGEST_REASON = 300

type Auth = requests.auth.AuthBase | tuple[str, str] | None


class SearchError(StockstreamError):
    """The search server cannot be spoken to; the text says what it means and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A search server and who asks it.

    Attributes:
        endpoint: its address, without a slash at its end.
        auth: what `requests` takes: a signer, a name and a password, or nothing.
    """

    endpoint: str
    auth: Auth

    @property
    def is_amazons(self) -> bool:
        """Whether it is a domain of Amazon OpenSearch Service."""
        return _AMAZON.search(urlsplit(self.endpoint).hostname or "") is not None

    def connect(self) -> OpenSearch:
        """A client of it."""
        return OpenSearch(
            hosts=[self.endpoint],
            http_auth=self.auth,
            connection_class=RequestsHttpConnection,
            timeout=TIMEOUT_SECONDS,
            max_retries=0,
        )

    def session(self) -> requests.Session:
        """For requests that OpenSearch's client does not make, such as those to Dashboards."""
        session = requests.Session()
        session.trust_env = self.is_amazons  # no proxy and no .netrc for the loopback
        session.auth = self.auth
        return session


def find_server(
    endpoint: str,
    *,
    user: tuple[str, str] | None = None,
    region: str | None = None,
    role_arn: str | None = None,
) -> Server:
    """The server at an address.

    Args:
        endpoint: its address; plain http only on this machine.
        user: a name and a password; without them, Amazon's domains get signed requests, and others bare ones.
        region: of the domain, where its address does not say it.
        role_arn: the role to sign as; None for the caller's own credentials.

    Raises:
        SearchError: the address cannot be used, or there are no credentials.
    """
    endpoint = endpoint.rstrip("/")
    if not is_private(endpoint) or not _has_sound_port(endpoint):
        raise SearchError(
            f"{endpoint!r} cannot be used: write https://..., or http:// for this machine only."
        )
    parts = urlsplit(endpoint)
    if parts.username or parts.path:
        raise SearchError(
            f"{parts.hostname}: write the endpoint as https://host[:port]; a name goes into --user, "
            f"and its password into {PASSWORD}."
        )
    amazon = _AMAZON.search(parts.hostname or "")
    if amazon and amazon[2] == "aoss":
        raise SearchError(
            "That is OpenSearch Serverless, which has no ingest pipelines: the same bar would be indexed "
            "twice. A domain of OpenSearch Service is needed."
        )
    if user:
        return Server(endpoint, user)
    if amazon or region or role_arn:
        return Server(endpoint, _signer(region or (amazon[1] if amazon else None), role_arn))
    return Server(endpoint, None)


def _has_sound_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def read_password() -> str:
    """The password for --user: from the variable PASSWORD, or else from the terminal.

    Raises:
        SearchError: there is neither, or nothing was typed.
    """
    password = os.environ.get(PASSWORD)
    if password:
        return password
    if not sys.stdin.isatty():
        raise SearchError(f"There is no terminal to ask for the password: set {PASSWORD}.")
    if not (password := ask_secretly("Password: ")):
        raise SearchError("No password was typed.")
    return password


def _signer(region: str | None, role_arn: str | None) -> requests.auth.AuthBase:
    session = botocore.session.Session()
    region = region or session.get_config_variable("region")
    if not region:
        raise SearchError("The endpoint's address does not say its region: give --region.")
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise SearchError("No AWS credentials are configured here: run `aws configure`, or give --user.")
        if role_arn:
            fetcher = AssumeRoleCredentialFetcher(
                session.create_client, credentials, role_arn, {"RoleSessionName": "stockstream-search"}
            )
            # A filling that follows lasts longer than a role's hour.
            credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
            credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        wish = (
            f"act as {role_arn}, which takes the permission sts:AssumeRole" if role_arn else "sign requests"
        )
        raise SearchError(f"No credentials to {wish}: {error}") from error
    signer: requests.auth.AuthBase = RequestsAWSV4SignerAuth(credentials, region, "es")
    return signer


def explain(error: TransportError | requests.RequestException, server: Server) -> str:
    """What an error of a client means, and what to do, in a sentence."""
    where = server.endpoint
    if isinstance(error, (SSLError, requests.exceptions.SSLError)):
        return (
            f"{where} shows a certificate that cannot be trusted. Is the address the one in its certificate?"
        )
    if isinstance(error, (ConnectionTimeout, requests.Timeout)):
        return (
            f"{where} did not answer within {TIMEOUT_SECONDS} s. Is it in a VPC that this machine is not in?"
        )
    if isinstance(error, (NoConnectionError, requests.ConnectionError)):
        return f"{where} cannot be reached. Is the address right, and does the server run?"
    status = error.status_code if isinstance(error, TransportError) else "?"
    return explain_status(status, said_by(error), server)


def explain_status(status: int | str, said: str, server: Server) -> str:
    """What a server's refusal means, and what to do, in a sentence."""
    if status == requests.codes.unauthorized:
        hint = (
            "Check the name and the password."
            if isinstance(server.auth, tuple)
            else "Give --user, or --region to sign the requests."
        )
        return f"401: {server.endpoint} does not know who asks. {hint} ({said})"
    if status == requests.codes.forbidden:
        hint = (
            "The role or user needs the domain's access policy and, inside it, the role all_access. "
            "With --stack the stack's own admin role is used."
        )
        return f"403: {server.endpoint} does not allow it. {hint} ({said})"
    if status == requests.codes.not_found:
        return f"404: {server.endpoint} knows no such thing. Is that an OpenSearch server? ({said})"
    return f"{status}: {server.endpoint} refuses: {said}"


def said_by(error: TransportError | requests.RequestException) -> str:
    """The server's own words, on one line."""
    info = error.info if isinstance(error, TransportError) else str(error)
    if isinstance(info, dict):
        reason = info.get("error", info)
        info = reason.get("reason", reason) if isinstance(reason, dict) else reason
    return " ".join(str(info).split())[:_LONGEST_REASON]
