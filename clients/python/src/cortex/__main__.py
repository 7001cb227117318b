"""``python -m cortex``: the client from a shell, where there is no ``cortex`` command. Answers are JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, List, Optional

import cortex
from cortex.exceptions import CortexException


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command.

    Returns:
        0, or 1 when it failed, or 130 when it was interrupted. Mistakes in the command line exit with 2.
    """
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except CortexException as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cortex", description="Cortex's Python client, from a shell.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    version = commands.add_parser("version", help="the versions of this package and of the cluster")
    version.set_defaults(run=_version)

    env = commands.add_parser("env", help="environments").add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    env.add_parser("list", help="list the environments").set_defaults(run=lambda parsed: _print(cortex.env_list()))
    delete_env = env.add_parser("delete", help="forget an environment")
    delete_env.add_argument("name", metavar="NAME")
    delete_env.set_defaults(run=lambda parsed: cortex.env_delete(parsed.name))

    get = commands.add_parser("get", help="all APIs, one, or one job of one")
    get.add_argument("api", metavar="API", nargs="?")
    get.add_argument("job", metavar="JOB", nargs="?")
    get.set_defaults(run=_get)

    deploy = commands.add_parser("deploy", help="deploy the APIs of a file")
    deploy.add_argument("file", metavar="FILE", nargs="?", default="cortex.yaml")
    deploy.add_argument("--force", action="store_true", help="also while an update is in progress")
    deploy.add_argument("--wait", action="store_true", help="until all replicas are ready")
    deploy.set_defaults(run=_deploy)

    delete = commands.add_parser("delete", help="delete an API")
    delete.add_argument("api", metavar="API")
    delete.add_argument("--keep-cache", action="store_true", help="keep its history")
    delete.set_defaults(run=lambda parsed: _client(parsed).delete(parsed.api, parsed.keep_cache))

    logs = commands.add_parser("logs", help="what replicas or workers have written")
    logs.add_argument("api", metavar="API")
    logs.add_argument("job", metavar="JOB", nargs="?")
    logs.add_argument("--follow", action="store_true", help="go on with what they write from now on")
    logs.add_argument("--tail", type=int, metavar="LINES", help="begin with the last lines of each container")
    logs.set_defaults(run=_logs)

    for command in (version, get, deploy, delete, logs):
        command.add_argument("-e", "--env", metavar="NAME", help="the environment")
    return parser


def _client(parsed: argparse.Namespace) -> cortex.Client:
    return cortex.client(parsed.env)


def _version(parsed: argparse.Namespace) -> None:
    print(f"client version: {cortex.__version__}", flush=True)
    print(f"cluster version: {_client(parsed).info().get('cluster_config', {}).get('api_version', 'unknown')}")


def _get(parsed: argparse.Namespace) -> None:
    client = _client(parsed)
    _print(client.get_job(parsed.api, parsed.job) if parsed.job else client.get_api(parsed.api) if parsed.api else client.list_apis())


def _deploy(parsed: argparse.Namespace) -> None:
    for result in _client(parsed).deploy_all(parsed.file, parsed.force, parsed.wait):
        print(result.message)


def _logs(parsed: argparse.Namespace) -> None:
    # Whoever follows may wait for as long as they like.
    timeout = float("inf") if parsed.follow else None
    for line in _client(parsed).logs(parsed.api, parsed.job, follow=parsed.follow, tail=parsed.tail, timeout=timeout):
        print(line, flush=parsed.follow)


def _print(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=sys.stdout.encoding.lower() not in ("utf-8", "utf8")))


if __name__ == "__main__":
    sys.exit(main())
