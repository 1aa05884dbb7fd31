"""Clients of AWS that a process makes once, where each test and what it calls would make its own.

A client takes the SDK 10 to 40 ms, and moto stands behind all of them, whatever it plays by then.
"""

import os
from functools import cache
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from moto.sns.models import Subscription

_SETTINGS = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID")
_make = boto3.client


def keep_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test's end, boto3.client gives a client that was made before of the same settings.

    Not where handlers are registered on a client, as the drill's faults are: they would stay on it.
    """
    monkeypatch.setattr(boto3, "client", _client)
    # With which moto signs what a topic sends; nobody here looks at the signature.
    monkeypatch.setattr(Subscription, "private_key", lambda _subscription: _key())


def _client(*asked: Any, **more: Any) -> Any:
    settings = tuple(os.environ.get(name) for name in _SETTINGS)
    return _keep(settings, asked, tuple(more.items()))


@cache
def _keep(
    _settings: tuple[str | None, ...], asked: tuple[Any, ...], more: tuple[tuple[str, Any], ...]
) -> Any:
    return _make(*asked, **dict(more))


@cache
def _key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)
