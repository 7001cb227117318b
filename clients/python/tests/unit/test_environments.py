"""The environments file: what the command line writes is read, and what is written it can read."""

from __future__ import annotations

import os
import stat

import pytest

import cortex
from cortex import environments
from cortex.environments import Config, Environment
from cortex.exceptions import ConfigError, CortexBinaryException, NotFound

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----"

# As `cortex env configure` wrote it, with names, tokens and certificates that need quotes.
WRITTEN = f'''default_environment: tls
environments:
- name: prod
  operator_endpoint: http://127.0.0.1:1
  token: "123456"
- name: "a b: \\"ü\\U0001F600\\" #x"
  operator_endpoint: https://example.com
  token: x yx y z
- name: tls
  operator_endpoint: https://example.org
  certificate: |-
    {PEM.replace(chr(10), chr(10) + "    ")}
- name: ins
  operator_endpoint: https://example.org:4
  token: "it's: {{x}} - y"
  insecure: true
'''


def parse(text):
    return environments.parse(text, "cli.yaml")


def test_parse_what_the_command_line_wrote():
    config = parse(WRITTEN)
    assert config == Config(
        "tls",
        [
            Environment("prod", "http://127.0.0.1:1", "123456"),
            Environment('a b: "ü😀" #x', "https://example.com", "x yx y z"),
            Environment("tls", "https://example.org", certificate=PEM),
            Environment("ins", "https://example.org:4", "it's: {x} - y", insecure=True),
        ],
    )


def test_format_and_parse_give_the_same():
    config = parse(WRITTEN)
    assert parse(environments.format(config)) == config


@pytest.mark.parametrize("name", ["null", "True", "y", "123", "-", "a: b", "a #b", "ü", "😀", "\t", "\u2028", "'", '"', "\\", "a\nb", "{", "a:", "~", " x "])
def test_format_and_parse_awkward_name(name):
    config = Config(name, [Environment(name, "http://localhost:8888", name)])
    assert parse(environments.format(config)) == config


@pytest.mark.parametrize(
    "text",
    [
        "default_environment: default\nenvironments:\n  - name: default\n    operator_endpoint: http://operator.default.svc.cluster.local:8888\n",
        "---\n# a comment\ndefault_environment: 'default'  # another\n\nenvironments: # here\n# and here\n- name: \"default\"\n\n  operator_endpoint: operator.default.svc.cluster.local:8888/\n  token: ~\n  certificate:\n  insecure: false\n...\n",
        "\ufeffdefault_environment: default\r\nenvironments:\r\n-\r\n  name: default\r\n  operator_endpoint: http://operator.default.svc.cluster.local:8888\r\n",
    ],
)
def test_parse_by_hand(text):
    config = parse(text)
    assert config.default_environment == "default"
    assert [each.name for each in config.environments] == ["default"]
    assert config.environments[0].operator_endpoint.endswith("operator.default.svc.cluster.local:8888")
    assert config.environments[0].token is None and config.environments[0].certificate is None


def test_parse_what_a_container_finds():
    text = "default_environment: default\nenvironments:\n  - name: default\n    operator_endpoint: http://operator.default.svc.cluster.local:8888\n    token: cortex-api.train.0123\n"
    [found] = environments.parse(text, "cli.yaml").environments
    assert (found.name, found.operator_endpoint, found.token) == ("default", "http://operator.default.svc.cluster.local:8888", "cortex-api.train.0123")


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "null", "---\n", "environments:\n", "environments: []\ndefault_environment: null\n", "default_environment: local\n"])
def test_parse_nothing(text):
    assert parse(text) == Config()


def test_parse_keeps_what_other_versions_wrote():
    text = "telemetry: false\ndefault_environment: null\nenvironments:\n- name: old\n  provider: aws\n  operator_endpoint: https://x\n  aws_keys:\n    id: A\n    list:\n    - 1\n"
    config = parse(text)
    written = environments.format(config.including(Environment("old", "https://y", "t")))
    assert "telemetry: false\n" in written
    assert "  provider: aws\n  aws_keys:\n    id: A\n    list:\n    - 1\n" in written
    assert parse(written).environments[0].operator_endpoint == "https://y"


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("environments: {a: 1}", 1, "must be a list"),
        ("environments: x", 1, "must be a list"),
        ("environments:\n  a: 1", 2, "must be a list"),
        ("envs: []", 1, "is not a key of this file"),
        ("environments:\n- name: a\n  operator_endpoint: [x]", 3, "must be put in quotes"),
        ("environments:\n- name: a\n  operator_endpoint: http://x y", 3, "is not an operator's address"),
        ("environments:\n- name: a", 2, "has no operator_endpoint"),
        ("environments:\n- operator_endpoint: http://x", 2, "needs a name"),
        ("environments:\n- name: a\n  name: b", 3, "twice"),
        ("environments:\n- name: a\n  operator_endpoint: http://x\n- name: a\n  operator_endpoint: http://x", 1, "two environments"),
        ("environments:\n- name: a\n  operator_endpoint: http://x\n  insecure: perhaps", 4, "true or false"),
        ("environments:\n- name: a\n  operator_endpoint: http://x\n  provider: gcp", 4, "no provider"),
        ("environments:\n- name: a\n  operator_endpoint: http://x\n  certificate: >\n    folded", 5, "one line"),
        ("environments:\n- name: 'a", 2, "no end on its line"),
        ('environments:\n- name: "a\\q"', 2, "means nothing"),
        ("environments:\n\t- name: a", 2, "tab"),
        ("default_environment: a\n  b", 2, "one line"),
        ("default_environment: &x a", 1, "quotes"),
        ("default_environment: !!str a", 1, "quotes"),
        ("- a", 1, "`key: value`"),
        ("<html>", 1, "`key: value`"),
        ("default_environment: a\n- b", 2, "`key: value`"),
    ],
)
def test_parse_something_else_names_the_place(text, line, words):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"cli.yaml:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("text", [WRITTEN[:at] for at in range(0, len(WRITTEN), 7)] + [WRITTEN.replace(" ", "", at) for at in range(1, 9)])
def test_parse_damaged_file_is_read_or_refused(text):
    try:
        assert isinstance(parse(text), Config)
    except ConfigError as error:
        assert "cli.yaml:" in str(error)


@pytest.mark.parametrize(
    "given, url",
    [
        ("localhost:8888", "http://localhost:8888"),
        ("127.0.0.1:8888/", "http://127.0.0.1:8888"),
        ("[::1]:8888", "http://[::1]:8888"),
        ("example.com", "https://example.com"),
        ("localhost.example.com", "https://localhost.example.com"),
        (" http://x ", "http://x"),
        ("https://x:1/cortex/", "https://x:1/cortex"),
    ],
)
def test_normalize(given, url):
    assert environments.normalize(given) == url


@pytest.mark.parametrize("given", ["", "ftp://x", "http://", "http://a b", "http://x/y?z", "http://user:secret@x", "http://x:123456", "http://x\r\nHost: y"])
def test_normalize_no_address(given):
    with pytest.raises(ConfigError):
        environments.normalize(given)


def test_no_file_no_environments(config):
    assert cortex.env_list() == {"default_environment": None, "environments": []}
    assert not config.exists()
    with pytest.raises(NotFound, match="no default environment"):
        cortex.client()
    with pytest.raises(NotFound, match="can't find environment prod"):
        cortex.client("prod")
    with pytest.raises(CortexBinaryException, match="no environment named prod"):
        cortex.env_delete("prod")


def test_unreadable_file(config):
    config.mkdir()
    (config / "cli.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="can't be read"):
        cortex.client()


def test_folder_that_is_a_file(config):
    config.write_text("")
    assert cortex.env_list()["environments"] == []
    with pytest.raises(ConfigError, match="can't be written"):
        cortex.new_client("a", "http://127.0.0.1:1", check=False)


def test_new_client_stores_and_keeps_the_default(config):
    client = cortex.new_client("a", "127.0.0.1:1", token="secret", check=False)
    assert (client.env, client.env_name) == ({"name": "a", "operator_endpoint": "http://127.0.0.1:1"}, "a")
    assert cortex.env_list() == {"default_environment": None, "environments": [{"name": "a", "operator_endpoint": "http://127.0.0.1:1"}]}
    assert stat.S_IMODE(os.stat(config / "cli.yaml").st_mode) == 0o600
    assert [path.name for path in config.iterdir()] == ["cli.yaml"]
    assert environments.load().environments[0].token == "secret"
    assert "secret" not in repr(environments.load())


def test_new_client_again_keeps_token_and_trust_only_for_the_same_address(config):
    cortex.new_client("a", "https://x", token="secret", insecure=True, check=False)
    cortex.new_client("a", "https://x", check=False)
    kept = environments.load().environments[0]
    assert (kept.token, kept.insecure) == ("secret", True)
    cortex.new_client("a", "https://y", check=False)
    new = environments.load().environments[0]
    assert (new.token, new.insecure) == (None, False)


def test_env_delete_and_the_default(config):
    for name in "abc":
        cortex.new_client(name, "http://x", check=False)
    environments.save(Config("b", environments.load().environments))
    cortex.env_delete("a")
    assert cortex.env_list()["default_environment"] == "b"
    cortex.env_delete("b")
    assert cortex.env_list() == {"default_environment": "c", "environments": [{"name": "c", "operator_endpoint": "http://x"}]}
    cortex.env_delete("c")
    assert cortex.env_list() == {"default_environment": None, "environments": []}


def test_variables(config, monkeypatch):
    cortex.new_client("a", "http://x", token="stored", check=False)
    cortex.new_client("b", "http://y", check=False)
    environments.save(Config("b", environments.load().environments))
    monkeypatch.setenv("CORTEX_TOKEN", " lent ")
    assert environments.choose(None).token == "lent"
    assert environments.choose("a").token == "stored"
    assert environments.choose("a", "given").token == environments.choose(None, "given").token == "given"
    monkeypatch.setenv("CORTEX_OPERATOR_ENDPOINT", "http://x/")
    assert (environments.choose(None).name, environments.choose(None).token) == ("a", "lent")
    monkeypatch.delenv("CORTEX_TOKEN")
    assert environments.choose(None).token == "stored"
    monkeypatch.setenv("CORTEX_OPERATOR_ENDPOINT", "elsewhere")
    assert cortex.client().env == {"name": "CORTEX_OPERATOR_ENDPOINT", "operator_endpoint": "https://elsewhere"}
    assert cortex.client("b").env_name == "b"


def test_default_that_is_gone(config):
    config.mkdir()
    (config / "cli.yaml").write_text("default_environment: gone\n")
    with pytest.raises(NotFound, match="can't find the default environment gone"):
        cortex.client()


def test_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CORTEX_CLI_CONFIG_DIR", "~/x/../y")
    assert environments.directory() == str(tmp_path / "y")
    monkeypatch.delenv("CORTEX_CLI_CONFIG_DIR")
    assert environments.directory() == str(tmp_path / ".cortex")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "cli.yaml").write_text("")
    monkeypatch.setattr(environments, "CONTAINER_DIRECTORY", str(inside))
    assert environments.directory() == str(inside)
    (tmp_path / ".cortex").mkdir()
    (tmp_path / ".cortex" / "cli.yaml").write_text("")
    assert environments.directory() == str(tmp_path / ".cortex")
