"""The client against a real cluster."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from clusters import EXECUTABLE, IMAGE, Cluster, api, run, task, until

import cortex
import cortex.aio
from cortex import environments
from cortex.exceptions import ApiFailed, ConnectionFailed, CortexTimeout, JobFailed, NotFound, OperatorError, RequestFailed, Unauthorized


def fresh(name, twins):
    """A name that the other kind of client does not use."""
    return f"{name}-{twins.kind}"


def said(lines):
    """Lines without the container that stands in front of each."""
    return [line.partition(" ")[2] if "/" in line.partition(" ")[0] else line for line in lines]


# Environments.


def test_environments_of_the_command_line(home: Cluster):
    assert cortex.env_list() == json.loads(home.cli("env", "list", "-o", "json"))
    assert cortex.client().env == {"name": home.name, "operator_endpoint": home.operator}
    assert environments.choose(home.name).token == home.token


AWKWARD = ["odd", "null", "123", 'a b: "ü😀" #x', "it's", "-", "{x}", "a\\b", "  x ", "y", "😀" * 20]


def test_environments_that_one_wrote_the_other_reads(tmp_path, monkeypatch, config):
    """Names, tokens and a certificate that need quotes, from the command line to Python and back."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "2", "-subj", "/CN=x", cwd=tmp_path)

    def cli(*arguments):
        return run(EXECUTABLE, *arguments, cwd=tmp_path)

    for name in AWKWARD:
        cli("env", "configure", name, "-o", "http://127.0.0.1:1", "--no-check", "--token", f"token of {name}")
    cli("env", "configure", "tls", "-o", "https://x", "--no-check", "--certificate", "c.pem")
    cli("env", "configure", "any", "-o", "https://y", "--no-check", "--insecure")
    cli("env", "default", "null")
    for _ in range(2):
        read = environments.load()
        assert [(each.name, each.token) for each in read.environments[: len(AWKWARD)]] == [(name, f"token of {name}") for name in AWKWARD]
        assert read.default_environment == "null"
        assert read.find("tls").certificate == (tmp_path / "c.pem").read_text().strip()
        assert read.find("any").insecure
        assert cortex.env_list() == json.loads(cli("env", "list", "-o", "json"))
        # The second time what is read is what Python wrote, and the command line rewrote.
        environments.save(read)
        assert cortex.env_list() == json.loads(cli("env", "list", "-o", "json"))
        cli("env", "configure", "more", "-o", "http://127.0.0.1:1", "--no-check")
        cortex.env_delete("more")
    assert "SHA-256" in cli("env", "list")


def test_new_client(home, twins, config):
    with pytest.raises(Unauthorized, match="wrong has no valid token|wrong environment has no valid token"):
        twins.new("wrong", home.operator, token="nonsense")
    assert cortex.env_list()["environments"] == []
    client = twins.new("right", home.operator, token=home.token)
    assert client.info()["cluster_config"]["api_version"] == cortex.__version__
    with pytest.raises(NotFound):
        cortex.client()


def test_token_of_the_variable(home, twins, config, monkeypatch):
    monkeypatch.setenv("CORTEX_OPERATOR_ENDPOINT", home.operator)
    with pytest.raises(Unauthorized):
        twins.named().list_apis()
    monkeypatch.setenv("CORTEX_TOKEN", home.token)
    assert isinstance(twins.named().list_apis(), list)


# Realtime APIs.


def test_life_of_a_realtime_api(client, twins, home, tmp_path):
    name = fresh("life", twins)
    first = client.deploy(api(name, env={"GREETING": 'Grüße "\\ 😀 \u2028 : # {}'}), wait=True)
    assert first["status"]["ready"] == first["status"]["requested"] == 1
    assert (first.name, first.kind, first.status.ready, first["spec"]["pod"]["containers"][0]["image"]) == (name, "RealtimeAPI", 1, IMAGE)
    assert client.call(name, method="GET", path="/sub?x=1") == 'Grüße "\\ 😀 \u2028 : # {} /sub?x=1'
    assert client.call(name, {"ü": 1}, headers={"X-Mine": "yes"}) == {"said": {"ü": 1}, "type": "application/json", "mine": "yes"}
    with pytest.raises(OperatorError, match="answered with status 500: no such model") as caught:
        client.call(name, b"fail")
    assert caught.value.status == 500

    again = client.deploy(api(name, env={"GREETING": 'Grüße "\\ 😀 \u2028 : # {}'}))
    assert again["message"] == f"{name} (RealtimeAPI) is up to date"
    file = tmp_path / "café.yaml"
    file.write_text(json.dumps([api(name, env={"GREETING": "second"})]))
    assert client.deploy_from_file(str(file))["message"] == f"updating {name} (RealtimeAPI)"
    assert client.wait_for_api(name).id != first.id
    until(lambda: client.call(name, method="GET") == "second /", "the new version answers")
    assert len(client.get_api(name).versions) == 2
    assert client.rollback(name).error == ""
    client.wait_for_api(name)
    until(lambda: client.call(name, method="GET").startswith("Grüße"), "the old version answers")

    assert name in [each["metadata"]["name"] for each in client.list_apis()]
    assert client.describe(name).status.counts["ready"] == 1
    assert any(line.endswith(" serving ü") for line in client.logs(name))
    assert "serving ü" in list(client.logs(name, all_replicas=False))
    assert client.refresh(name) is None
    client.wait_for_api(name)
    assert client.delete(name) is None
    with pytest.raises(OperatorError) as caught:
        client.get_api(name)
    assert caught.value.kind == "resources.api_not_deployed"


def test_configuration_with_errors(client, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("- name: Wrong\n  kind: RealtimeAPI\n  pod:\n    containers:\n    - name: a\n      imgae: b\n")
    with pytest.raises(OperatorError) as caught:
        client.deploy_from_file(str(file))
    places = [(each.line, each.api, each.path) for each in caught.value.errors]
    assert len(places) >= 2 and {1, 6} <= {line for line, _, _ in places}, caught.value.errors
    assert all(each.message in str(caught.value) for each in caught.value.errors)
    file.write_text("- name: [a\n")
    with pytest.raises(OperatorError, match="wrong.yaml:"):
        client.deploy_from_file(str(file))
    file.write_bytes(b"")
    with pytest.raises(OperatorError):
        client.deploy_from_file(str(file))
    with pytest.raises(OperatorError) as caught:
        client.deploy({"name": "wrong", "kind": "NoSuchAPI"})
    assert caught.value.errors[0].path == "kind"


def test_deploy_that_can_not_become_ready(client, twins):
    name = fresh("broken", twins)
    with pytest.raises(CortexTimeout, match="is not ready after 1 s"):
        client.deploy(api(name, command=["/usr/bin/python3", "-c", "print('no model here'); raise SystemExit(3)"]), wait=True, timeout=1)
    with pytest.raises(ApiFailed, match=f"{name} can't become ready"):
        client.wait_for_api(name, timeout=120)
    client.delete(name)


def test_several_apis_of_a_file(client, twins):
    names = [fresh(name, twins) for name in ("one", "two")]
    results = client.deploy_all([api(names[0]), task(names[1], "pass")], wait=True)
    assert [result.message for result in results] == [f"creating {names[0]} (RealtimeAPI)", f"created {names[1]} (TaskAPI)"]
    assert client.call(names[0], 1)["said"] == 1
    for name in names:
        client.delete(name)


# Async APIs.


def test_requests(deployed, client):
    texts = client.requests("texts")
    id = texts.submit({"ü": "😀"})
    assert texts.result(id, timeout=60) == {"said": {"ü": "😀"}, "type": "application/json", "mine": None}
    assert json.loads(texts.answer(id))["said"] == {"ü": "😀"}
    assert texts.get(id).completed
    assert texts.result(texts.submit(b"x" * 300_000, headers={"X-Mine": "1"}), timeout=60) == {"said": 300_000, "type": "application/octet-stream", "mine": "1"}
    assert texts.result(texts.submit(iter([b"ab", b"c"]), content_type="text/csv"), timeout=60)["said"] == 3
    with pytest.raises(OperatorError) as caught:
        texts.get("00000000-0000-0000-0000-000000000000")
    assert caught.value.status == 404
    with pytest.raises(OperatorError, match="AsyncAPI"):
        client.requests("hello").submit(1)
    with pytest.raises(OperatorError, match="not deployed"):
        client.requests("nobody").submit(1)


def test_request_that_fails(deployed, client):
    texts = client.requests("texts")
    id = texts.submit("broken")
    state = texts.wait(id, timeout=60)
    assert (state.status, state.reason, state.done) == ("failed", "not_json", True)
    assert texts.answer(id) == b"no JSON"
    with pytest.raises(RequestFailed, match=f"{id} failed: "):
        texts.result(id)
    texts.retry(id)
    assert texts.wait(id, timeout=60).status == "failed"
    assert id in [each.id for each in texts.list("failed")]


def test_request_is_done_once_with_a_key(deployed, client, twins):
    texts = client.requests("texts")
    key = f"{twins.kind}-{time.monotonic_ns()}"
    assert texts.submit(1, idempotency_key=key) == texts.submit(1, idempotency_key=key)
    with pytest.raises(OperatorError) as caught:
        texts.submit(2, idempotency_key=key)
    assert caught.value.status == 422


def test_request_that_waits_and_is_cancelled(deployed, client):
    texts = client.requests("texts")
    id = texts.submit(1, delay="1h", priority=9)
    begin = time.monotonic()
    with pytest.raises(CortexTimeout, match="is in_queue after 1.5 s"):
        texts.result(id, timeout=1.5)
    assert 1.4 < time.monotonic() - begin < 6
    assert texts.get(id).not_before
    texts.cancel(id)
    assert texts.wait(id).status == "cancelled"
    with pytest.raises(OperatorError) as caught:
        texts.cancel(id)
    assert caught.value.status == 409


def test_many_requests_at_once(deployed, home):
    async def main():
        async with cortex.aio.client() as client:
            texts = client.requests("texts")
            ids = await asyncio.gather(*(texts.submit({"n": n}) for n in range(1000)))
            results = await asyncio.gather(*(texts.result(id, timeout=120) for id in ids))
            assert [each["said"]["n"] for each in results] == list(range(1000))

            async def values():
                for n in range(500):
                    yield {"n": n}

            streamed = [id async for id in texts.submit_many(values())]
            assert [(await texts.result(id, timeout=120))["said"]["n"] for id in streamed[::50]] == list(range(0, 500, 50))
            assert len({*ids, *streamed}) == 1500

    asyncio.run(main())


def test_waiting_task_is_cancelled(deployed, home):
    async def main():
        async with cortex.aio.client() as client:
            texts = client.requests("texts")
            id = await texts.submit(1, delay="1h")
            waiting = asyncio.ensure_future(texts.result(id))
            await asyncio.sleep(0.5)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await texts.get(id)).status == "in_queue"
            await texts.cancel(id)

    asyncio.run(main())


# Jobs.


def test_task(deployed, client, home):
    jobs = client.jobs("train")
    job = jobs.submit(config={"rate": "ü 0.1"}, timeout=600)
    report = jobs.wait(job.job_id, timeout=120, check=True)
    assert (report.status, report["job_status"]["config"], report.job.api_name) == ("succeeded", {"rate": "ü 0.1"}, "train")
    assert client.get_job("train", job.job_id)["job_status"]["status"] == "succeeded"
    assert "rate ü 0.1" in said(client.logs("train", job.job_id))
    assert job.job_id in [each.job_id for each in client.get_api("train").jobs]
    with pytest.raises(OperatorError) as caught:
        client.get_job("train", "nothing")
    assert caught.value.kind == "job.not_found"
    with pytest.raises(OperatorError, match="name one|logs of their own"):
        list(client.logs("train"))
    with pytest.raises(OperatorError):
        jobs.submit(config={"rate": 1}, timeout=-1)


def test_task_that_fails(deployed, client):
    jobs = client.jobs("train")
    id = jobs.submit(config={}).job_id
    report = jobs.wait(id, timeout=120)
    assert (report.status, report.ended, report.succeeded, report.job.exit_code) == ("worker_error", True, False, 1)
    with pytest.raises(JobFailed, match=r"(?s)ended as worker_error \(exit code 1\).*KeyError: 'rate'"):
        jobs.wait(id, check=True)


def test_task_is_stopped_and_followed(client, twins, capsys):
    name = fresh("sleeper", twins)
    client.deploy(task(name, "import time\nfor n in range(600):\n print('line', n, flush=True)\n time.sleep(0.2)"))
    jobs = client.jobs(name)
    id = jobs.submit().job_id
    until(lambda: jobs.get(id).status == "running", "the job runs")
    with pytest.raises(CortexTimeout, match="is running after 0.5 s"):
        jobs.wait(id, timeout=0.5)
    lines = client.logs(name, id, follow=True)
    assert said(line for line, _ in zip(lines, range(3))) == ["line 0", "line 1", "line 2"]
    lines.close()
    assert client.stop_job(name, id) is None
    assert jobs.wait(id, timeout=60).status == "stopped"
    assert capsys.readouterr().out == (f'{{"message":"stopped job {id}"}}\n' if twins.kind == "blocking" else "")
    with pytest.raises(OperatorError):
        jobs.stop(id)
    client.delete(name)


def test_batch_of_streamed_items(deployed, client):
    jobs = client.jobs("score")
    items = ({"n": n} if n != 5 else {"fail": True} for n in range(20))
    job = jobs.submit_items(items, workers=2, batch_size=3, config={"ü": 1}, max_receive_count=1)
    report = jobs.wait(job.job_id, timeout=120)
    assert report.status == "completed_with_failures"
    assert (report.job.total_batch_count, report.metrics.succeeded, report.metrics.failed, report.job.workers, report.job.config) == (7, 6, 1, 2, {"ü": 1})
    letters = list(jobs.dead_letters(job.job_id))
    assert [(each.batch, each.attempts[0].status_code, each.attempts[0].answer) for each in letters] == [([{"n": 3}, {"n": 4}, {"fail": True}], 500, "no such model")]
    again = jobs.retry_dead_letters(job.job_id)
    assert jobs.wait(again.job_id, timeout=120).metrics.failed == 1
    with pytest.raises(JobFailed, match="completed_with_failures"):
        jobs.wait(again.job_id, check=True)


def test_batch_as_a_whole(deployed, client):
    jobs = client.jobs("score")
    submission = {"workers": 1, "item_list": {"items": [1, "zwei", None], "batch_size": 2}}
    assert jobs.dry_run(submission) == []
    report = jobs.wait(jobs.submit(submission).job_id, timeout=120, check=True)
    assert report.job.total_batch_count == 2
    assert any("zwei" in line for line in client.logs("score", report.job.job_id))
    with pytest.raises(OperatorError, match="item_list"):
        jobs.dry_run({"workers": 1})
    with pytest.raises(OperatorError, match="workers"):
        jobs.submit(submission, workers=0)


def test_batch_of_many_items_is_never_in_memory(deployed, home):
    """50 MB of items from a generator, in less than 5 MB."""
    with cortex.client() as client:
        jobs = client.jobs("score", "BatchAPI")
        tracemalloc.start()
        job = jobs.submit_items(("x" * 1000 for _ in range(50_000)), batch_size=1000)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        jobs.stop(job.job_id)
    assert most < 5_000_000


def test_batch_of_too_many_items_is_refused_while_it_is_sent(deployed, client):
    """What the operator says in the middle of an upload is heard, and the rest is not sent."""
    sent = []

    def items():
        for number in range(3_000_000):
            sent.append(None)
            yield number

    jobs = client.jobs("score")
    try:
        job = jobs.submit_items(items(), batch_size=1000)
    except OperatorError as error:
        assert "max_items" in str(error)
        assert len(sent) < 3_000_000
    else:
        assert jobs.wait(job.job_id, timeout=120).status == "enqueue_failed"


def test_batch_whose_items_break_off_is_not_submitted(deployed, client):
    def items():
        yield from range(100_000)
        raise RuntimeError("the source broke")

    before = [job.job_id for job in client.get_api("score").jobs]
    with pytest.raises(RuntimeError, match="the source broke"):
        client.jobs("score").submit_items(items())
    assert [job.job_id for job in client.get_api("score").jobs] == before


# Programs.

# Written for Cortex 0.42's client, and only with what that had.
PROGRAM = """
import sys, time
import cortex
from cortex.exceptions import CortexException, CortexBinaryException, NotFound

envs = cortex.env_list()
assert envs["default_environment"] in [env["name"] for env in envs["environments"]]
try:
    cortex.client("no-such-environment")
    raise SystemExit("NotFound was expected")
except NotFound:
    pass

cx = cortex.client(envs["default_environment"])
assert cx.env["name"] == cx.env_name == envs["default_environment"]
assert cx.env["operator_endpoint"].startswith("http")

spec = {"name": "dropin", "kind": "RealtimeAPI", "pod": {"port": 8080, "containers": [{"name": "api", "image": sys.argv[1]}]}}
api = cx.deploy(spec, wait=True)
assert api["status"]["ready"] == api["status"]["requested"] > 0
result = cx.deploy(spec)
assert "up to date" in result["message"] and not result["error"]
assert result["api"]["spec"]["name"] == "dropin" and result["api"]["endpoint"]

api = cx.get_api("dropin")
assert type(api).__mro__[1:] and isinstance(api, dict)
assert api["metadata"]["kind"] == api["spec"]["kind"] == "RealtimeAPI"
assert [a["metadata"]["name"] for a in cx.list_apis() if a["metadata"]["name"] == "dropin"]
cx.refresh("dropin")
cx.refresh("dropin", force=True)
cx.delete("dropin")
try:
    cx.get_api("dropin")
    raise SystemExit("CortexBinaryException was expected")
except CortexBinaryException as e:
    assert isinstance(e, CortexException) and "dropin" in str(e)

cx.deploy({"name": "dropin-task", "kind": "TaskAPI", "pod": {"containers": [{"name": "main", "image": sys.argv[1], "command": ["/usr/bin/python3", "-c", "import time; time.sleep(600)"]}]}})
import json, urllib.request
request = urllib.request.Request(cx.get_api("dropin-task")["endpoint"], method="POST", data=b"{}")
job_id = json.load(urllib.request.urlopen(request))["job_id"]
job = cx.get_job("dropin-task", job_id)
assert job["job_status"]["status"] in ("pending", "running") and job["api_spec"]["name"] == "dropin-task"
cx.stop_job("dropin-task", job_id, keep_cache=True)
assert cx.get_job("dropin-task", job_id)["job_status"]["status"] == "stopped"
cx.delete("dropin-task", keep_cache=False)
try:
    cx.deploy({"name": "dropin", "kind": "Nonsense"})
    raise SystemExit("CortexException was expected")
except CortexException:
    pass

other = cortex.new_client("other", cx.env["operator_endpoint"])
assert other.env_name == "other"
cortex.env_delete("other")
print("done", cortex.__version__)
"""


def test_program_for_cortex_runs_unchanged(home):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, IMAGE],
        capture_output=True, text=True, timeout=300, cwd=home.directory,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(cortex.__file__)), "CORTEX_TOKEN": home.token},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"done {cortex.__version__}\n")


def test_command_against_the_cluster(deployed, home):
    def module(*arguments):
        return run(sys.executable, "-m", "cortex", *arguments, env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(cortex.__file__))})

    assert module("version") == f"client version: {cortex.__version__}\ncluster version: {cortex.__version__}\n"
    assert json.loads(module("get", "hello"))["metadata"]["name"] == "hello"
    assert " serving ü\n" in module("logs", "hello")
    file = os.path.join(home.directory, "command.yaml")
    with open(file, "w", encoding="utf-8") as out:
        json.dump([api("command")], out)
    assert module("deploy", file, "--wait") == "creating command (RealtimeAPI)\n"
    assert module("delete", "command") == ""


# Inside a container: calls every kind, with the client and the file that every container has.
CHAIN = """
import cortex, os
client = cortex.client()
assert client.env == {"name": "default", "operator_endpoint": "http://operator.default.svc.cluster.local:8888"}, client.env
print("realtime", client.call("hello", {"n": 1})["said"])
texts = client.requests("texts")
print("async", texts.result(texts.submit({"n": 2}), timeout=60)["said"])
batches = client.jobs("score")
print("batch", batches.wait(batches.submit_items([1, 2, 3], batch_size=2).job_id, timeout=120, check=True).job.total_batch_count)
tasks = client.jobs("train")
print("task", tasks.wait(tasks.submit(config={"rate": 3}).job_id, timeout=120, check=True).status)
print("version", client.info()["cluster_config"]["api_version"] == os.environ["CORTEX_VERSION"] == cortex.__version__)
print("spec", "spec" in client.get_api("chain"), "spec" in client.get_api("hello"))
"""


def test_container_calls_every_kind_without_configuration(deployed, home):
    with cortex.client() as client:
        client.deploy(task("chain", CHAIN))
        jobs = client.jobs("chain")
        id = jobs.submit().job_id
        jobs.wait(id, timeout=240, check=True)
        assert said(client.logs("chain", id)) == ["realtime {'n': 1}", "async {'n': 2}", "batch 2", "task succeeded", "version True", "spec True False"]
        client.delete("chain")


def test_container_with_a_token_does_everything(deployed, home):
    code = """
import asyncio, os, cortex
client = cortex.client(token=os.environ["TOKEN"])
print(client.call("hello", {"n": 1})["said"])
async def main():
    async with cortex.aio.client(token=os.environ["TOKEN"]) as client:
        texts = client.requests("texts")
        print((await texts.result(await texts.submit({"n": 2}), timeout=60))["said"], "texts" in [api.name for api in await client.list_apis()])
asyncio.run(main())
"""
    with cortex.client() as client:
        client.deploy(task("inside", code, env={"TOKEN": home.token}))
        id = client.jobs("inside").submit().job_id
        client.jobs("inside").wait(id, timeout=240, check=True)
        assert said(client.logs("inside", id)) == ["{'n': 1}", "{'n': 2} True"]
        client.deploy(task("inside", "import cortex; cortex.client().delete('hello')"))
        id = client.jobs("inside").submit().job_id
        with pytest.raises(JobFailed, match="Unauthorized: the token of the containers of inside does not open DELETE /delete/hello: that takes `client_access: admin`"):
            client.jobs("inside").wait(id, timeout=240, check=True)
        client.delete("inside")


def test_waits_go_on_over_a_restart_of_the_server(deployed, home, twins):
    """The server is killed while a job and a request are waited for; both waits end well."""
    client = twins.named()
    name = fresh("long", twins)
    client.deploy(task(name, "import time; time.sleep(8)"))
    job = client.jobs(name).submit()
    id = client.requests("texts").submit(1, delay=8)
    until(lambda: client.get_job(name, job.job_id).status == "running", "the job runs")

    def restart():
        time.sleep(1)
        os.kill(home.process_id, signal.SIGKILL)
        time.sleep(2)
        home.up()

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        assert client.jobs(name).wait(job.job_id, timeout=120, check=True).succeeded
        assert client.requests("texts").result(id, timeout=120)["said"] == 1
    finally:
        thread.join()
    client.delete(name)


def test_server_that_is_down(home, twins):
    down = Cluster()
    client = twins.new("down", down.operator, token="x", check=False)
    try:
        with pytest.raises(ConnectionFailed, match="cortex cluster up"):
            client.deploy(api("a"))
        with pytest.raises(ConnectionFailed):
            twins.new("down2", down.operator)
    finally:
        cortex.env_delete("down")
