"""Cortex's Python client: deploy APIs, call them, submit requests and jobs, and wait for what comes of them.

    import cortex

    client = cortex.client()
    client.deploy({"name": "hello", "kind": "RealtimeAPI", ...}, wait=True)

``cortex.aio`` has the same for asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from cortex import environments as _environments
from cortex._version import VERSION as __version__
from cortex.client import Client

if TYPE_CHECKING:
    from cortex import aio as aio

__all__ = ["Client", "__version__", "aio", "client", "env_delete", "env_list", "new_client"]


def client(env_name: Optional[str] = None, *, token: Optional[str] = None, timeout: float = 600.0) -> Client:
    """The client of an environment.

    Args:
        env_name: the environment; by default the operator of ``CORTEX_OPERATOR_ENDPOINT`` if that is set, else the default environment.
        token: what the operator asks for; by default the environment's, or that of ``CORTEX_TOKEN``.
        timeout: seconds after which a call without an answer is given up.

    Raises:
        cortex.exceptions.NotFound: there is no such environment, or no default.
    """
    return Client(_environments.choose(env_name, token), timeout)


def new_client(
    env_name: str, operator_endpoint: str, *, token: Optional[str] = None, certificate: Optional[str] = None, insecure: bool = False, check: bool = True, timeout: float = 600.0
) -> Client:
    """Adds an environment, or changes it, and gives its client. The default environment stays what it is.

    Args:
        env_name: 1 to 63 characters.
        operator_endpoint: the operator's address.
        token: what the operator asks for; by default the one stored for this address, or that of ``CORTEX_TOKEN``.
        certificate: trust only this certificate of an https operator, or what it has issued: PEM, or the name of a file with it.
        insecure: accept any certificate.
        check: ask the operator whether it is one, and takes the token, before anything is stored.
        timeout: as for :func:`client`.

    Raises:
        cortex.exceptions.CortexBinaryException: no operator answers there, or it does not take the token.
    """
    environment = _environments.configure(env_name, operator_endpoint, token, certificate, insecure)
    new = Client(environment, timeout)
    if check:
        new._transport.run(new._operator.verify())
    _environments.save(_environments.load().including(environment))
    return new


def env_list() -> Dict[str, Any]:
    """The environments: ``{"default_environment": ..., "environments": [{"name": ..., "operator_endpoint": ...}, ...]}``."""
    config = _environments.load()
    listed: List[Dict[str, str]] = [{"name": each.name, "operator_endpoint": each.operator_endpoint} for each in config.environments]
    return {"default_environment": config.default_environment, "environments": listed}


def env_delete(name: str) -> None:
    """Forgets an environment; its cluster keeps running. When one environment remains, it becomes the default.

    Raises:
        cortex.exceptions.CortexBinaryException: there is none of that name.
    """
    config = _environments.load()
    if config.find(name) is None:
        from cortex.exceptions import CortexBinaryException

        raise CortexBinaryException(f"there is no environment named {name}; `cortex env list` shows those there are")
    _environments.save(config.without(name))


def __getattr__(name: str) -> Any:
    # asyncio takes its time to import, so that it waits until it is asked for.
    if name == "aio":
        import importlib

        return importlib.import_module("cortex.aio")
    raise AttributeError(f"module 'cortex' has no attribute {name!r}")
