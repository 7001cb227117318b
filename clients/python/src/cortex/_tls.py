"""Whose certificate is believed.

Without a word, one that this machine trusts for the address. With a pinned one, the server that has this very
certificate, or one that it has issued for the address, and nobody else. That is decided in the handshake, before a byte
of a request leaves, the token included.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import Optional, Tuple

from cortex.environments import Environment
from cortex.exceptions import CertificateRefused, ConfigError

# OpenSSL's X509_V_FLAG_PARTIAL_CHAIN, which Python names from 3.10 on: what is pinned need not be a root.
_PARTIAL_CHAIN = 0x80000


class PinMismatch(ssl.CertificateError):
    """The other side shows another certificate than the pinned one."""

    def __init__(self, shown: bytes) -> None:
        super().__init__("not the pinned certificate")
        self.shown = shown


class Trust:
    """What an environment says of certificates, as contexts for handshakes.

    A server is first asked for a certificate that the pinned one has issued, or that is the pinned one itself, valid and
    made out for the address. When it has none, :meth:`fall_back` says whether to ask again for the very certificate,
    whatever name and dates it has.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._exact = False
        self._context: Optional[ssl.SSLContext] = None
        self._pinned = read_pem(environment.certificate, f"the {environment.name} environment") if environment.certificate else None

    def context(self) -> ssl.SSLContext:
        """What the next handshake goes by."""
        if self._context is None:
            self._context = self._create()
        return self._context

    def fall_back(self, error: BaseException, context: ssl.SSLContext) -> bool:
        """Whether the next handshake goes by other rules than the one with this context, which ended with this error."""
        if context is not self._context:
            # Another connection, at the same time, has changed them already.
            return True
        if self._pinned is None or self._exact or self._environment.insecure or not isinstance(error, ssl.SSLCertVerificationError) or isinstance(error, PinMismatch):
            return False
        self._exact, self._context = True, None
        return True

    def refusal(self, error: BaseException, peer: str) -> Optional[CertificateRefused]:
        """The error for the user; None when the certificate was not what the handshake failed for."""
        name = self._environment.name
        if isinstance(error, PinMismatch) and self._pinned is not None:
            return CertificateRefused(
                f"{peer} shows another certificate (SHA-256 {fingerprint(error.shown)}) than the one that the {name} environment trusts "
                f"(SHA-256 {fingerprint(self._pinned[1])}). If it was renewed on purpose, `cortex env configure {name} --certificate FILE` "
                "trusts the new one; if not, somebody else may be answering\n\nnothing was sent to it"
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = getattr(error, "verify_message", "") or str(error)
            return CertificateRefused(
                f"the certificate of {peer} is not trusted by this machine: {reason}; `cortex env configure {name} --certificate FILE` "
                "trusts that one, or its issuer's\n\nnothing was sent to it"
            )
        return None

    def _create(self) -> ssl.SSLContext:
        if self._environment.insecure or self._exact:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            if not self._environment.insecure and self._pinned is not None:
                _only(context, self._pinned[1])
            return context
        if self._pinned is None:
            context = ssl.create_default_context()
            # Python 3.13 alone refuses certificates that the machine, and the command line, trust.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            return context
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._pinned[0])
        context.verify_flags |= ssl.VerifyFlags(_PARTIAL_CHAIN)
        return context


def read_pem(text: str, place: str) -> Tuple[str, bytes]:
    """The first certificate in a text, as PEM and as DER; what else is in it, such as a key, is passed over.

    Raises:
        ConfigError: there is none.
    """
    found = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
    try:
        pem = found.group() if found else ""
        der = ssl.PEM_cert_to_DER_cert(pem)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise ConfigError(f"the certificate of {place} can't be read; it is text that begins with -----BEGIN CERTIFICATE-----") from error
    return pem + "\n", der


def fingerprint(der: bytes) -> str:
    """As ``openssl x509 -fingerprint -sha256`` shows it."""
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _only(context: ssl.SSLContext, pinned: bytes) -> None:
    def check(shown: Optional[bytes]) -> None:
        if shown != pinned:
            raise PinMismatch(shown or b"")

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            check(self.getpeercert(binary_form=True))

    class Object(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            check(self.getpeercert(binary_form=True))

    context.sslsocket_class = Socket
    context.sslobject_class = Object
