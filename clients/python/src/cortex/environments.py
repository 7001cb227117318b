"""Environments: named operators, in the file that the command line uses."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional

from cortex import _yaml
from cortex.exceptions import ConfigError, NotFound

#: The variable that moves the folder of the environments file.
DIRECTORY_VARIABLE = "CORTEX_CLI_CONFIG_DIR"
#: An operator's address; it takes the place of the default environment.
ENDPOINT_VARIABLE = "CORTEX_OPERATOR_ENDPOINT"
#: An operator's token: of the address above, or of an environment that has none of its own.
TOKEN_VARIABLE = "CORTEX_TOKEN"
#: Where every container of a cluster finds that cluster.
CONTAINER_DIRECTORY = "/cortex/client"
#: The most characters of an environment's name.
LONGEST_NAME = 63

_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|\[::1\]")


@dataclass(frozen=True)
class Environment:
    """A named operator."""

    name: str
    operator_endpoint: str
    """Its URL, with the scheme and without a slash at the end."""
    token: Optional[str] = field(default=None, repr=False)
    """What it asks for; None when it asks for nothing."""
    certificate: Optional[str] = field(default=None, repr=False)
    """The pinned certificate as PEM: its own, or its issuer's. None leaves it to what this machine trusts."""
    insecure: bool = False
    """Whether any certificate will do."""
    others: List[str] = field(default_factory=list, repr=False)
    """Keys that other versions wrote, as lines; they are kept as they are."""

    @property
    def operator(self) -> str:
        """How errors call it."""
        return f"the operator of the {self.name} environment at {self.operator_endpoint}"


@dataclass(frozen=True)
class Config:
    """What the environments file says."""

    default_environment: Optional[str] = None
    environments: List[Environment] = field(default_factory=list)
    """In the order of the file; names are unique."""
    telemetry: List[str] = field(default_factory=list)
    """The user's setting as lines; nothing is ever sent."""

    def find(self, name: str) -> Optional[Environment]:
        """The environment of that name."""
        return next((each for each in self.environments if each.name == name), None)

    def including(self, environment: Environment) -> Config:
        """With an environment added, or in place of the one of the same name, whose other keys it keeps."""
        old = self.find(environment.name)
        if old is None:
            return replace(self, environments=[*self.environments, environment])
        new = replace(environment, others=old.others)
        return replace(self, environments=[new if each is old else each for each in self.environments])

    def without(self, name: str) -> Config:
        """Without an environment. When the default goes and one remains, that one becomes the default."""
        rest = [each for each in self.environments if each.name != name]
        default = self.default_environment
        if default is None or default == name:
            default = rest[0].name if len(rest) == 1 else None
        return replace(self, environments=rest, default_environment=default)


def directory() -> str:
    """The folder of the environments file: ``$CORTEX_CLI_CONFIG_DIR``, or ``~/.cortex``, or a container's own."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        return os.path.abspath(os.path.expanduser(named))
    home = os.path.join(os.path.expanduser("~"), ".cortex")
    if not os.path.exists(os.path.join(home, "cli.yaml")) and os.path.exists(os.path.join(CONTAINER_DIRECTORY, "cli.yaml")):
        return CONTAINER_DIRECTORY
    return home


def load() -> Config:
    """Reads the environments file; without one there are no environments.

    Raises:
        ConfigError: it can't be read, or is no environments file.
    """
    path = os.path.join(directory(), "cli.yaml")
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), path)
    except (FileNotFoundError, NotADirectoryError):
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error


def save(config: Config) -> None:
    """Writes the environments file, which only its owner may read, as it holds tokens.

    Raises:
        ConfigError: it can't be written.
    """
    # Most programs write none.
    import tempfile

    folder = directory()
    temporary = ""
    try:
        os.makedirs(folder, exist_ok=True)
        # Never seen half written: another program may read it at any moment.
        descriptor, temporary = tempfile.mkstemp(prefix="cli.yaml.", dir=folder)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(format(config))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, "cli.yaml"))
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.remove(temporary)
        raise ConfigError(f"{os.path.join(folder, 'cli.yaml')} can't be written: {error}") from error


def choose(name: Optional[str], token: Optional[str] = None) -> Environment:
    """The environment to use: the named one, the one of the variables, or the default; with another token, if one is given.

    Raises:
        NotFound: there is none.
        ConfigError: the environments file can't be read.
    """
    config = load()
    endpoint = os.environ.get(ENDPOINT_VARIABLE) if name is None else None
    if endpoint:
        # What is stored for that operator holds, its token and its certificate; the variable's token comes first.
        address = normalize(endpoint)
        stored = next((each for each in config.environments if each.operator_endpoint == address), None)
        environment = stored or Environment(name=ENDPOINT_VARIABLE, operator_endpoint=address)
        return replace(environment, token=token or _variable_token() or environment.token)
    if name is None and config.default_environment is None:
        raise NotFound(f"no default environment is configured; name one, run `cortex env default NAME`, or set {ENDPOINT_VARIABLE} and {TOKEN_VARIABLE}")
    found = config.find(name if name is not None else config.default_environment or "")
    if found is None:
        names = ", ".join(each.name for each in config.environments) or "none"
        what = f"environment {name}" if name is not None else f"the default environment {config.default_environment}"
        raise NotFound(f"can't find {what}; there are: {names}. `cortex env configure` or cortex.new_client(...) adds one")
    return replace(found, token=token or found.token or _variable_token())


def _variable_token() -> Optional[str]:
    return (os.environ.get(TOKEN_VARIABLE) or "").strip() or None


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise ConfigError(f"an environment's name has 1 to {LONGEST_NAME} characters")
    return name


def configure(name: str, endpoint: str, token: Optional[str], certificate: Optional[str], insecure: bool) -> Environment:
    """An environment as the user wants it, not yet stored.

    Raises:
        ConfigError: a name, address or certificate is none.
    """
    address = normalize(endpoint)
    existing = load().find(_check_name(name))
    # Token and trust belong to an operator: they are never carried over to another address.
    known = existing if existing is not None and existing.operator_endpoint == address else None
    pem: Optional[str] = None
    if certificate is not None:
        pem = _read_certificate(certificate)
    elif known is not None and not insecure:
        pem = known.certificate
    return Environment(
        name=name,
        operator_endpoint=address,
        token=token or (known.token if known else None) or _variable_token(),
        certificate=pem,
        insecure=certificate is None and (insecure or (known is not None and known.insecure)),
    )


def normalize(endpoint: str) -> str:
    """An operator's address as a URL: ``http`` is added for this machine, else ``https``.

    Raises:
        ConfigError: it is no address.
    """
    text = endpoint.strip()
    if "://" not in text:
        host = re.split(r"[/:](?![^\[]*\])", text, maxsplit=1)[0]
        text = ("http://" if _LOOPBACK.fullmatch(host) else "https://") + text
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.%]+\]|[^\s/:@?#\[\]]+)(:\d{1,5})?(/[^\s?#]*)?", text):
        raise ConfigError(f'"{endpoint}" is not an operator\'s address; write it like http://127.0.0.1:8888 or https://cortex.example.com')
    return text.rstrip("/")


def parse(text: str, path: str) -> Config:
    """The content of an environments file.

    Raises:
        ConfigError: it is none; the text has the place.
    """
    try:
        return _config(_yaml.parse(text))
    except _yaml.YamlError as error:
        raise ConfigError(f"{path}:{error.line}: {error.message}\n\nmend that file, or move it away: `cortex env configure` writes a new one") from error


def format(config: Config) -> str:
    """The text of an environments file, as the command line writes it."""
    lines = list(config.telemetry)
    lines.append(f"default_environment: {'null' if config.default_environment is None else _yaml.quote(config.default_environment)}")
    lines.append("environments:" if config.environments else "environments: []")
    for each in config.environments:
        item = [f"name: {_yaml.quote(each.name)}", f"operator_endpoint: {_yaml.quote(each.operator_endpoint)}"]
        if each.token is not None:
            item.append(f"token: {_yaml.quote(each.token)}")
        if each.certificate is not None:
            item += ["certificate: |-", *(f"  {line}" for line in each.certificate.rstrip("\n").split("\n"))]
        if each.insecure:
            item.append("insecure: true")
        item += each.others
        lines += [("- " if number == 0 else "  ") + line for number, line in enumerate(item)]
    return "\n".join(lines) + "\n"


def _config(entries: Dict[str, _yaml.Entry]) -> Config:
    for entry in entries.values():
        if entry.key not in ("telemetry", "default_environment", "environments"):
            raise _yaml.YamlError(entry.line, f'"{entry.key}" is not a key of this file; it has telemetry, default_environment and environments')
    environments: List[Environment] = []
    if "environments" in entries:
        for item in entries["environments"].maps():
            environment = _environment(item, entries["environments"].line)
            if any(each.name == environment.name for each in environments):
                raise _yaml.YamlError(entries["environments"].line, f'there are two environments named "{environment.name}"')
            environments.append(environment)
    default = entries["default_environment"].text() if "default_environment" in entries else None
    # Written by old versions, for which "local" was built in.
    if default == "local" and not any(each.name == "local" for each in environments):
        default = None
    return Config(default, environments, entries["telemetry"].raw() if "telemetry" in entries else [])


def _environment(item: Dict[str, _yaml.Entry], line: int) -> Environment:
    values = {key: item[key].text() for key in ("name", "operator_endpoint", "token", "certificate", "insecure", "provider") if key in item}
    line = next(iter(item.values())).line if item else line
    name, endpoint = values.get("name"), values.get("operator_endpoint")
    if name is None or len(name) > LONGEST_NAME:
        raise _yaml.YamlError(line, f"an environment needs a name of 1 to {LONGEST_NAME} characters")
    if not endpoint:
        raise _yaml.YamlError(line, f'the environment "{name}" has no operator_endpoint; run `cortex env configure {name}`')
    if values.get("provider") not in (None, "", "aws"):
        raise _yaml.YamlError(item["provider"].line, f'"{values["provider"]}" is no provider any more; remove the environment {name}, or this line of it')
    if values.get("insecure") not in (None, "true", "false"):
        raise _yaml.YamlError(item["insecure"].line, f'insecure is true or false, not "{values["insecure"]}"')
    try:
        address = normalize(endpoint)
    except ConfigError as error:
        raise _yaml.YamlError(item["operator_endpoint"].line, str(error)) from error
    known = ("name", "operator_endpoint", "token", "certificate", "insecure")
    others = [text for key, entry in item.items() if key not in known for text in entry.raw()]
    return Environment(name, address, values.get("token"), values.get("certificate"), values.get("insecure") == "true", others)


def _read_certificate(certificate: str) -> str:
    # Most programs make no environments.
    from cortex._tls import read_pem

    if "-----BEGIN" in certificate:
        return read_pem(certificate, "this call")[0].strip()
    try:
        with open(certificate, encoding="utf-8") as file:
            # Only the certificate: a key in the same file is nobody's business here.
            return read_pem(file.read(), os.path.abspath(certificate))[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{certificate} can't be read: {error}") from error
