"""Puts a new environment together."""

from __future__ import annotations

import os
from typing import Optional

from cortex import environments
from cortex._tls import read_pem
from cortex.environments import Environment
from cortex.exceptions import ConfigError


def configure(name: str, endpoint: str, token: Optional[str], certificate: Optional[str], insecure: bool) -> Environment:
    """An environment as the user wants it, not yet stored.

    Raises:
        ConfigError: a name, address or certificate is none.
    """
    address = environments.normalize(endpoint)
    existing = environments.load().find(environments.check_name(name))
    # Token and trust belong to an operator: they are never carried over to another address.
    known = existing if existing is not None and existing.operator_endpoint == address else None
    pem: Optional[str] = None
    if certificate is not None:
        pem = _read(certificate)
    elif known is not None and not insecure:
        pem = known.certificate
    return Environment(
        name=name,
        operator_endpoint=address,
        token=token or (known.token if known else None) or environments.token(),
        certificate=pem,
        insecure=certificate is None and (insecure or (known is not None and known.insecure)),
    )


def _read(certificate: str) -> str:
    if "-----BEGIN" in certificate:
        return read_pem(certificate, "this call")[0].strip()
    try:
        with open(certificate, encoding="utf-8") as file:
            # Only the certificate: a key in the same file is nobody's business here.
            return read_pem(file.read(), os.path.abspath(certificate))[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{certificate} can't be read: {error}") from error
