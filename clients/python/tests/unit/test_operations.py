"""What is asked of the operator, and what its answers become, on both clients."""

from __future__ import annotations

import json

import pytest
from servers import Operator

from cortex import _calling, _jobs, _operator, _requests
from cortex._effects import Answer, Pause
from cortex.environments import Environment
from cortex.exceptions import (
    ApiFailed,
    ConnectionFailed,
    CortexBinaryException,
    CortexTimeout,
    DeployFailed,
    JobFailed,
    OperatorError,
    RequestFailed,
    Unauthorized,
    UnexpectedAnswer,
)

REALTIME = {"metadata": {"name": "hello", "kind": "RealtimeAPI", "id": "1-2-3", "last_updated": 7}, "status": {"ready": 1, "requested": 1, "up_to_date": 1}, "endpoint": "http://h/hello", "spec": {"name": "hello"}}
BATCH = {"metadata": {"name": "score", "kind": "BatchAPI", "id": "1--3"}, "endpoint": "http://h/score"}
TASK = {"metadata": {"name": "train", "kind": "TaskAPI", "id": "1--3"}, "endpoint": "http://h/train"}


@pytest.fixture
def operator(monkeypatch):
    monkeypatch.setattr(_calling, "PAUSES", (0.01, 0.01, 0.01))
    operator = Operator()
    yield operator
    operator.close()


@pytest.fixture
def client(twins, operator):
    return twins.client(Environment("test", operator.url, "secret"))


def form(operator):
    """The parts of the last request's form: file name and content."""
    _, _, headers, body = operator.requests[-1]
    boundary = headers["content-type"].split("boundary=")[1]
    head, _, content = body.split(f"--{boundary}".encode())[1].partition(b"\r\n\r\n")
    assert b'name="config"; filename="' in head
    return head.split(b'filename="')[1].split(b'"')[0].decode(), content[:-2]


# What Cortex 0.42's client had.


def test_deploy(client, operator):
    result = {"api": {"spec": {"name": "hello", "kind": "RealtimeAPI"}, "endpoint": "http://h/hello"}, "message": "creating hello (RealtimeAPI)", "error": ""}
    operator.answers["POST /deploy"] = [result]
    spec = {"name": "hello", "kind": "RealtimeAPI", "pod": {"containers": [{"env": {"A": 'Grüße "\\ 😀\n\u2028\x7f', "1": "y: [x]"}}]}}
    deployed = client.deploy(spec)
    assert deployed == result and isinstance(deployed, dict)
    assert (deployed.message, deployed.error, deployed.api.name, deployed.api.endpoint) == ("creating hello (RealtimeAPI)", "", "hello", "http://h/hello")
    assert operator.asked() == ["POST /deploy?configFileName=cortex.yaml&force=true"]
    name, content = form(operator)
    assert name == "cortex.yaml"
    assert json.loads(content) == [spec]
    client.deploy(spec, force=False)
    assert operator.asked()[-1].endswith("force=false")


def test_deploy_waits(client, operator):
    operator.answers["POST /deploy"] = [{"api": {"spec": {"name": "hello", "kind": "RealtimeAPI"}}, "message": "", "error": ""}]
    operator.answers["GET /get/hello"] = [REALTIME]
    counts = iter([{"ready": 0, "requested": 2, "creating": 2}, {"ready": 2, "requested": 2, "ready_out_of_date": 1}, {"ready": 2, "requested": 2, "ready_out_of_date": 0}])
    operator.answers["GET /describe/hello"] = lambda _: [{**REALTIME, "status": {"ready": 0, "requested": 2, "up_to_date": 2, "replica_counts": next(counts)}}]
    assert client.deploy({"name": "hello"}, wait=True) == REALTIME
    assert operator.asked().count("GET /describe/hello") == 3


@pytest.mark.parametrize("kind", ["BatchAPI", "TaskAPI", "TrafficSplitter"])
def test_deploy_waits_for_nothing_where_there_are_no_replicas(client, operator, kind):
    result = {"api": {"spec": {"name": "a", "kind": kind}}, "message": "created a", "error": ""}
    operator.answers["POST /deploy"] = [result]
    assert client.deploy({}, wait=True) == result
    assert len(operator.requests) == 1


def test_deploy_from_file(client, operator, tmp_path):
    results = [{"api": {"spec": {"name": name}}, "message": name, "error": ""} for name in "ab"]
    operator.answers["POST /deploy"] = results
    path = tmp_path / 'my "café" & co.yaml'
    path.write_bytes(b"- name: \xc3\xbc\r\n")
    assert client.deploy_from_file(str(path)) == results[0]
    assert operator.asked() == ["POST /deploy?configFileName=my%20%22caf%C3%A9%22%20%26%20co.yaml&force=false"]
    assert form(operator)[1] == b"- name: \xc3\xbc\r\n"
    assert client.deploy_from_file(path, force=True) == results[0]
    assert client.deploy_all(path) == results
    assert client.deploy_all([{"name": "a"}, {"name": "b"}]) == results
    with pytest.raises(CortexBinaryException, match="nothing.yaml can't be read: No such file"):
        client.deploy_from_file("nothing.yaml")


def test_deploy_of_which_a_part_fails(client, operator):
    results = [{"api": {"spec": {}}, "message": "creating a", "error": ""}, {"api": None, "message": "", "error": "error: b is being updated"}, {"api": None, "message": "", "error": "error: c too"}]
    operator.answers["POST /deploy"] = results
    with pytest.raises(DeployFailed, match="^b is being updated\nerror: c too$") as caught:
        client.deploy({"name": "a"})
    assert caught.value.results == results
    assert isinstance(caught.value, CortexBinaryException)


def test_deploy_of_an_invalid_configuration_tells_every_place(client, operator):
    errors = [
        {"kind": "spec.unsupported_key", "line": 4, "column": 7, "api": "a", "path": "pod.imgae", "message": "a.yaml:4:7: what is imgae?"},
        {"kind": "spec.invalid", "line": 5, "column": 1, "api": "a", "path": "kind", "message": "a.yaml:5:1: no kind\n"},
    ]
    operator.answers["POST /deploy"] = (400, {"kind": "spec.unsupported_key", "message": "all of it", "errors": errors})
    with pytest.raises(OperatorError) as caught:
        client.deploy({})
    assert str(caught.value) == "a.yaml:4:7: what is imgae?\nerror: a.yaml:5:1: no kind"
    assert (caught.value.kind, caught.value.status) == ("spec.unsupported_key", 400)
    assert [(each.line, each.column, each.api, each.path, each.kind) for each in caught.value.errors] == [(4, 7, "a", "pod.imgae", "spec.unsupported_key"), (5, 1, "a", "kind", "spec.invalid")]


@pytest.mark.parametrize("spec", [{"a": float("nan")}, {"a": object()}])
def test_deploy_of_what_is_no_json_sends_nothing(client, operator, spec):
    with pytest.raises((TypeError, ValueError)):
        client.deploy(spec)
    assert operator.requests == []


def test_get_and_list(client, operator):
    operator.answers["GET /get"] = [REALTIME, BATCH]
    operator.answers["GET /get/hello"] = [REALTIME]
    assert client.list_apis() == [REALTIME, BATCH]
    assert [(api.name, api.kind) for api in client.list_apis()] == [("hello", "RealtimeAPI"), ("score", "BatchAPI")]
    api = client.get_api("hello")
    assert api == REALTIME and json.loads(json.dumps(api)) == REALTIME
    assert (api["status"]["ready"], api.status.ready, api.status.requested, api.id, api.last_updated, api.endpoint) == (1, 1, 1, "1-2-3", 7, "http://h/hello")
    assert (client.list_apis()[1].status, api.versions, api.jobs) == (None, [], [])


def test_get_unknown_api(client, operator):
    operator.answers["GET /get/nobody"] = (400, {"kind": "resources.api_not_deployed", "message": "nobody is not deployed"})
    with pytest.raises(OperatorError, match="^nobody is not deployed$") as caught:
        client.get_api("nobody")
    assert caught.value.kind == "resources.api_not_deployed"


@pytest.mark.parametrize("name, path", [("a/b", "a%2Fb"), ("ü", "%C3%BC"), ("a b?c#d", "a%20b%3Fc%23d"), ("😀", "%F0%9F%98%80"), ("a\r\nb", "a%0D%0Ab")])
def test_odd_names_stay_in_their_place(client, operator, name, path):
    operator.answers[f"GET /get/{path}"] = [REALTIME]
    assert client.get_api(name) == REALTIME


@pytest.mark.parametrize("name", ["", ".", "..", None, 5])
def test_no_name(client, operator, name):
    with pytest.raises(CortexBinaryException, match="is not the name of an API"):
        client.delete(name)
    assert operator.requests == []


def test_get_job(client, operator):
    operator.answers["GET /get/score"] = [BATCH]
    operator.answers["GET /get/train"] = [TASK]
    operator.answers["GET /get/hello"] = [REALTIME]
    report = {"api_spec": {}, "job_status": {"job_id": "1", "api_name": "score", "kind": "BatchAPI", "status": "running", "total_batch_count": 9, "batches_in_queue": 4}, "metrics": {"succeeded": 5, "failed": 1, "average_time_per_batch": 0.5}, "endpoint": "http://h/score?jobID=1"}
    operator.answers["GET /batch/score"] = report
    operator.answers["GET /tasks/train"] = {"api_spec": {}, "job_status": {"job_id": "1", "status": "succeeded"}, "endpoint": ""}
    operator.answers["GET /tasks/hello"] = (400, {"kind": "resources.operation_is_only_supported_for_kind", "message": "hello is a RealtimeAPI"})
    job = client.get_job("score", "1")
    assert job == report
    assert (job.status, job.ended, job.succeeded, job.job.total_batch_count, job.job.batches_in_queue, job.endpoint) == ("running", False, False, 9, 4, "http://h/score?jobID=1")
    assert (job.metrics.succeeded, job.metrics.failed, job.metrics.average_time_per_batch) == (5, 1, 0.5)
    task = client.get_job("train", "1")
    assert (task.succeeded, task.metrics) == (True, None)
    with pytest.raises(OperatorError, match="hello is a RealtimeAPI"):
        client.get_job("hello", "1")
    assert operator.asked() == ["GET /get/score", "GET /batch/score?jobID=1", "GET /get/train", "GET /tasks/train?jobID=1", "GET /get/hello", "GET /tasks/hello?jobID=1"]


def test_refresh_delete_and_stop(client, twins, operator, capsys):
    operator.answers["POST /refresh/a"] = {"message": "updating a (RealtimeAPI)"}
    operator.answers["DELETE /delete/a"] = {"message": "deleting a"}
    operator.answers["GET /get/train"] = [TASK]
    operator.answers["DELETE /tasks/train"] = {"message": "stopped job 1"}
    assert client.refresh("a") is None
    assert client.refresh("a", force=True) is None
    assert client.delete("a") is None
    assert client.delete("a", keep_cache=True) is None
    assert client.stop_job("train", "1") is None
    assert operator.asked() == [
        "POST /refresh/a?force=false", "POST /refresh/a?force=true", "DELETE /delete/a?apiName=a&keepCache=false", "DELETE /delete/a?apiName=a&keepCache=true",
        "GET /get/train", "DELETE /tasks/train?apiName=train&jobID=1",
    ]  # fmt: skip
    # Cortex's client printed it; the one for asyncio is new.
    assert capsys.readouterr().out == ('{"message":"stopped job 1"}\n' if twins.kind == "blocking" else "")


def test_token(twins, operator):
    operator.answers["GET /get"] = (403, {"kind": "endpoints.auth_invalid_token", "message": "the token is not this cluster's"})
    with pytest.raises(Unauthorized, match="^the test environment has no valid token: the token is not this cluster's$"):
        twins.client(Environment("test", operator.url, "wrong")).list_apis()
    assert operator.requests[-1][2]["authorization"] == "Bearer wrong"
    with pytest.raises(Unauthorized):
        twins.client(Environment("test", operator.url)).list_apis()
    assert "authorization" not in operator.requests[-1][2]


def test_token_that_opens_too_little(twins, operator):
    operator.answers["DELETE /delete/a"] = (403, {"kind": "endpoints.client_access", "message": "that takes `client_access: admin`"})
    with pytest.raises(Unauthorized, match="^that takes `client_access: admin`$") as caught:
        twins.client(Environment("test", operator.url, "weak")).delete("a")
    assert caught.value.kind == "endpoints.client_access"


def test_new_client_asks_whether_it_is_an_operator_before_it_gives_the_token(twins, operator, config):
    with pytest.raises(UnexpectedAnswer, match="is not a Cortex operator"):
        twins.new("a", operator.url, token="secret")
    operator.answers["GET /verifycortex"] = {}
    operator.answers["GET /info"] = (403, {"kind": "endpoints.auth_invalid_token", "message": "no"})
    with pytest.raises(Unauthorized):
        twins.new("a", operator.url, token="secret")
    assert not config.exists()
    operator.answers["GET /info"] = {"cluster_config": {"api_version": "1.0.0"}}
    client = twins.new("a", operator.url, token="secret")
    assert client.info()["cluster_config"] == {"api_version": "1.0.0"}
    assert twins.named("a").env == {"name": "a", "operator_endpoint": operator.url}
    assert all("authorization" not in headers for _, path, headers, _ in operator.requests if path == "/verifycortex")


# What it did not have.


def test_rollback_and_describe(client, operator):
    result = {"api": {"spec": {}}, "message": "updating a", "error": ""}
    operator.answers["POST /rollback/a"] = [result]
    operator.answers["GET /describe/a"] = [{**REALTIME, "status": {"ready": 1, "requested": 2, "up_to_date": 2, "replica_counts": {"ready": 1, "failed": 1}, "reasons": ["it crashed"]}}]
    assert client.rollback("a") == result
    client.rollback("a", "1-2-3", force=True)
    assert operator.asked() == ["POST /rollback/a?apiID=&force=false", "POST /rollback/a?apiID=1-2-3&force=true"]
    status = client.describe("a").status
    assert (status.counts, status.reasons) == ({"ready": 1, "failed": 1}, ["it crashed"])


def run(operation, answers):
    """Runs an operation with a clock of its own: each answer takes no time, each pause its length."""
    time = [0.0]
    asked = []

    def clock():
        return time[0]

    operation = operation(clock)
    try:
        effect = next(operation)
        while True:
            if isinstance(effect, Pause):
                time[0] += effect.seconds
                effect = operation.send(None)
                continue
            asked.append(f"{effect.method} {effect.url}")
            answer = answers(effect.url, time)
            if isinstance(answer, Exception):
                effect = operation.throw(answer)
            else:
                status, value = answer if isinstance(answer, tuple) else (200, answer)
                effect = operation.send(Answer(status, {}, json.dumps(value).encode()))
    except StopIteration as stop:
        return stop.value, time[0], asked


def describing(counts, reasons=()):
    def answer(url, time):
        if "/get/" in url:
            return [REALTIME]
        return [{**REALTIME, "status": {"ready": 0, "requested": 1, "up_to_date": 1, "replica_counts": counts(time[0]), "reasons": list(reasons)}}]

    return answer


ENVIRONMENT = Environment("test", "http://o", "secret")


def waiting_for_api(timeout):
    return lambda clock: _operator.Operator(ENVIRONMENT, clock=clock).wait_until_ready("hello", timeout)


def test_wait_for_api_that_crashes_gives_up_with_the_reasons():
    # Between its restarts it looks well for a moment.
    counts = lambda now: {"requested": 1, "failed": 1} if int(now) % 3 else {"requested": 1, "creating": 1}  # noqa: E731
    with pytest.raises(ApiFailed, match=r"(?s)^hello can't become ready \(0 of 1 ready, 1 failed\)\n  it crashed$"):
        run(waiting_for_api(600), describing(counts, ["it crashed"]))


def test_wait_for_api_that_crashed_once_goes_on():
    counts = lambda now: {"requested": 1, "failed": 1} if now < 2 else {"requested": 1, "creating": 1} if now < 30 else {"requested": 1, "failed": 1} if now < 32 else {"requested": 1, "ready": 1}  # noqa: E731
    api, took, _ = run(waiting_for_api(600), describing(counts))
    assert api == REALTIME and 32 <= took < 34


def test_wait_for_api_that_takes_too_long():
    with pytest.raises(CortexTimeout, match=r"^hello is not ready after 60 s \(0 of 1 ready, 1 creating\)$"):
        run(waiting_for_api(60), describing(lambda now: {"requested": 1, "creating": 1}))


def waiting_for_job(timeout, check=False):
    return lambda clock: _jobs.JobRoutes(_operator.Operator(ENVIRONMENT, clock=clock), "train", "TaskAPI").wait("1", timeout, check)


def job(status, **more):
    return {"job_status": {"job_id": "1", "api_name": "train", "status": status, **more}}


def test_wait_for_job_over_a_restart():
    def answers(url, time):
        return ConnectionFailed("away") if 5 < time[0] < 90 else job("running") if time[0] < 100 else job("succeeded")

    report, took, asked = run(waiting_for_job(3600), answers)
    assert report.succeeded and 100 <= took < 102
    assert asked[0] == "GET http://o/tasks/train?jobID=1&wait=30.000"


def test_wait_for_job_of_a_cluster_that_is_gone():
    with pytest.raises(ConnectionFailed):
        run(waiting_for_job(3600), lambda url, time: ConnectionFailed("away") if time[0] > 5 else job("running"))


def test_wait_for_job_that_takes_too_long():
    with pytest.raises(CortexTimeout, match="^job 1 of train is pending after 10 s: waits for room$"):
        run(waiting_for_job(10), lambda url, time: job("pending", message="waits for room"))


@pytest.mark.parametrize("status", ["worker_error", "worker_oom", "timed_out", "stopped", "completed_with_failures", "something_new"])
def test_wait_for_job_that_fails(status):
    report, _, _ = run(waiting_for_job(10), lambda url, time: job(status))
    assert report.ended and not report.succeeded
    with pytest.raises(JobFailed, match=rf"^job 1 of train ended as {status} \(exit code 3\): it broke\n  last words$") as caught:
        run(waiting_for_job(10, check=True), lambda url, time: job(status, exit_code=3, message="it broke", last_log_lines=["last words"]))
    assert caught.value.job.exit_code == 3


@pytest.mark.parametrize("timeout", [-1, float("nan"), "5", None, True])
def test_timeouts_that_are_none(client, timeout):
    with pytest.raises(ValueError, match="a timeout is a number of seconds"):
        client.jobs("a", "TaskAPI").wait("1", timeout)
    with pytest.raises(ValueError, match="a timeout is a number of seconds"):
        client.requests("a", endpoint="http://h/a").result("1", timeout)


def test_submit_job(client, operator):
    operator.answers["GET /get/train"] = [TASK]
    answer = {"job_id": "1", "api_name": "train", "kind": "TaskAPI", "workers": 1, "config": {"ü": "😀"}, "start_time": "2026-11-21T22:31:07.5Z"}
    operator.answers["POST /tasks/train"] = answer
    jobs = client.jobs("train")
    submitted = jobs.submit(config={"ü": "😀"}, timeout=60, priority=9)
    assert submitted == answer
    assert (submitted.job_id, submitted.status, submitted.ended, submitted.config) == ("1", "pending", False, {"ü": "😀"})
    assert json.loads(operator.requests[-1][3]) == {"config": {"ü": "😀"}, "timeout": 60, "priority": 9}
    jobs.submit()
    assert json.loads(operator.requests[-1][3]) == {}
    jobs.submit({"workers": 2, "timeout": 1}, workers=3)
    assert json.loads(operator.requests[-1][3]) == {"workers": 3, "timeout": 1}
    assert operator.asked() == ["GET /get/train", "POST /tasks/train", "POST /tasks/train", "POST /tasks/train"]
    client.jobs("train", "TaskAPI").submit()
    assert operator.asked()[4:] == ["POST /tasks/train"]
    with pytest.raises(ValueError, match="kinds"):
        client.jobs("train", "RealtimeAPI")


def test_submit_items(client, operator):
    operator.answers["POST /batch/score"] = {"job_id": "1"}
    items = [1, "zwei 😀\n", {"drei": None}, [4.5], True, "\ud800"]
    client.jobs("score", "BatchAPI").submit_items(iter(items), workers=4, batch_size=100, config={"a b": "&"}, timeout=60, max_receive_count=3)
    method, path, headers, body = operator.requests[-1]
    assert path == "/batch/score?workers=4&batch_size=100&timeout=60&max_receive_count=3&config=%7B%22a%20b%22%3A%20%22%26%22%7D"
    assert headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in body.decode().splitlines()] == items
    client.jobs("score", "BatchAPI").submit_items([])
    assert operator.requests[-1][1:4:2] == ("/batch/score?workers=1&batch_size=1", b"")


@pytest.mark.parametrize("item", [float("inf"), object(), {1, 2}])
def test_submit_items_that_are_no_json(client, operator, item):
    with pytest.raises(CortexBinaryException, match="can't be written as JSON"):
        client.jobs("score", "BatchAPI").submit_items([1, item])


def test_submit_items_to_an_unknown_api_asks_for_none(client, operator):
    def items():
        raise AssertionError("nobody needs these")
        yield

    operator.answers["GET /get/nobody"] = (400, {"kind": "resources.api_not_deployed", "message": "nobody is not deployed"})
    with pytest.raises(OperatorError, match="nobody is not deployed"):
        client.jobs("nobody").submit_items(items())


def test_dry_run(client, operator):
    operator.answers["POST /batch/score"] = "s3://b/1\ns3://b/2\nvalidations passed"
    jobs = client.jobs("score", "BatchAPI")
    assert jobs.dry_run({"workers": 1}) == ["s3://b/1", "s3://b/2"]
    assert operator.asked() == ["POST /batch/score?dryRun=true"]
    operator.answers["POST /batch/score"] = (400, "\nno files\n")
    with pytest.raises(OperatorError, match="^no files$"):
        jobs.dry_run({})
    operator.answers["POST /batch/score"] = (400, {"kind": "error", "message": "no JSON"})
    with pytest.raises(OperatorError, match="^no JSON$"):
        jobs.dry_run({})


def test_dead_letters(client, operator):
    attempt = {"start_time": "a", "end_time": "b", "worker": "w", "reason": "bad_status", "message": "status 500", "status": 500, "answer": "oops"}
    pages = {"": {"dead_letters": [{"id": "1", "batch": [1, 2], "attempts": [attempt], "end_time": "c"}], "cursor": "x y"}, "x y": {"dead_letters": [{"id": "2", "batch": [3], "attempts": []}]}}
    operator.answers["GET /batch/score"] = lambda path: pages["x y" if "cursor=x%20y" in path else ""]
    letters = list(client.jobs("score", "BatchAPI").dead_letters("7"))
    assert [(each.id, each.batch, each.end_time) for each in letters] == [("1", [1, 2], "c"), ("2", [3], None)]
    only = letters[0].attempts[0]
    assert (only.started, only.ended, only.worker, only.reason, only.status_code, only.answer) == ("a", "b", "w", "bad_status", 500, "oops")
    operator.answers["POST /batch/score"] = {"job_id": "8", "retry_of": "7"}
    assert client.jobs("score", "BatchAPI").retry_dead_letters("7", workers=2).job_id == "8"
    assert operator.asked() == [
        "GET /batch/score?jobID=7&deadLetters=true&limit=100", "GET /batch/score?jobID=7&deadLetters=true&limit=100&cursor=x%20y", "POST /batch/score?jobID=7&retryDeadLetters=true&workers=2",
    ]  # fmt: skip


@pytest.fixture
def texts(client, operator):
    operator.answers["GET /get/texts"] = [{"metadata": {"name": "texts", "kind": "AsyncAPI"}, "endpoint": f"{operator.url}/texts"}]
    operator.answers["POST /texts"] = {"id": "1"}
    return client.requests("texts")


@pytest.mark.parametrize(
    "value, body, kind",
    [
        ({"ü": 1}, b'{"\\u00fc": 1}', "application/json"),
        ("text", b'"text"', "application/json"),
        (None, b"null", "application/json"),
        (b"\0\xff", b"\0\xff", "application/octet-stream"),
        (bytearray(b"ab"), b"ab", "application/octet-stream"),
    ],
)
def test_submit_request(texts, operator, value, body, kind):
    assert texts.submit(value) == "1"
    assert operator.requests[-1][3] == body
    assert operator.requests[-1][2]["content-type"] == kind
    assert "authorization" not in operator.requests[-1][2]
    texts.submit(value)
    assert operator.asked() == ["GET /get/texts", "POST /texts", "POST /texts"]


def test_submit_request_with_everything(texts, operator):
    texts.submit(b"<x/>", content_type="text/xml", headers={"X-Mine": "1"}, idempotency_key="k", priority=9, delay="10m", callback_url="https://example.com/done")
    sent = operator.requests[-1][2]
    assert (sent["content-type"], sent["x-mine"], sent["idempotency-key"], sent["x-cortex-priority"], sent["x-cortex-delay"], sent["x-cortex-callback-url"]) == ("text/xml", "1", "k", "9", "10m", "https://example.com/done")
    with pytest.raises(ValueError, match="control character"):
        texts.submit(1, idempotency_key="a\r\nb")
    with pytest.raises(CortexBinaryException, match="can't be written as JSON"):
        texts.submit(object())


def test_submit_request_from_a_file(texts, operator, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(b"x" * 200_000)
    with open(path, "rb") as file:
        texts.submit(file, content_type="image/png")
    assert operator.requests[-1][3] == b"x" * 200_000
    with open(path) as file, pytest.raises(CortexBinaryException, match="opened for reading bytes"):
        texts.submit(file)
    texts.submit(iter([b"a", b"", b"b"]))
    assert operator.requests[-1][3] == b"ab"


def test_submit_request_again_only_with_a_key(texts, operator):
    operator.answers["POST /texts"] = lambda _: (503, "error: busy\n") if len(operator.requests) < 4 else {"id": "1"}
    with pytest.raises(OperatorError, match="busy\n\ntry again shortly") as caught:
        texts.submit(1)
    assert caught.value.status == 503
    assert texts.submit(1, idempotency_key="k") == "1"


def test_requests_of_another_kind(client, operator):
    operator.answers["GET /get/hello"] = [REALTIME]
    with pytest.raises(OperatorError, match="hello is a RealtimeAPI"):
        client.requests("hello").submit(1)


def test_request_states(texts, operator):
    operator.answers["GET /texts/1"] = {"id": "1", "status": "in_queue", "not_before": "later"}
    state = texts.get("1")
    assert (state.status, state.done, state.not_before) == ("in_queue", False, "later")
    operator.answers["GET /texts/1"] = {"id": "1", "status": "completed", "result": {"label": "ü"}, "timestamp": "now"}
    assert (texts.get("1").result, texts.get("1").completed, texts.wait("1").timestamp, texts.result("1")) == ({"label": "ü"}, True, "now", {"label": "ü"})
    attempt = {"started": "a", "ended": "b", "worker": "w", "reason": "bad_status", "message": "status 500", "status_code": 500, "answer": "oops"}
    operator.answers["GET /texts/1"] = {"id": "1", "status": "failed", "error": {"reason": "bad_status", "message": "it answered 500"}, "attempts": [attempt]}
    assert texts.wait("1").reason == "bad_status"
    with pytest.raises(RequestFailed, match="^1 failed: it answered 500\n  it answered: oops$") as caught:
        texts.result("1")
    assert caught.value.state.attempts[0].status_code == 500
    operator.answers["GET /texts/1"] = {"id": "1", "status": "cancelled"}
    with pytest.raises(RequestFailed, match="^1 was cancelled$"):
        texts.result("1")
    operator.answers["GET /texts/1"] = (404, "error: id 1 not found\n")
    with pytest.raises(OperatorError, match="^id 1 not found\n\nthe id may be wrong") as caught:
        texts.get("1")
    assert caught.value.status == 404


def test_request_answer_cancel_and_retry(texts, operator):
    operator.answers["GET /texts/1/answer"] = b"\0raw"
    operator.answers["DELETE /texts/1"] = {"id": "1", "status": "cancelled"}
    operator.answers["POST /texts/1/retry"] = (409, "error: 1 is in_queue\n")
    assert texts.answer("1") == b"\0raw"
    assert texts.cancel("1") is None
    with pytest.raises(OperatorError, match="1 is in_queue"):
        texts.retry("1")


def test_list_requests(texts, operator):
    entry = {"id": "1", "status": "failed", "priority": 3, "created": "a", "timestamp": "b"}
    operator.answers["GET /async/texts"] = lambda path: {"requests": [{**entry, "id": "2"}]} if "cursor=c" in path else {"requests": [entry], "cursor": "c"}
    found = list(texts.list("failed"))
    assert [(each.id, each.status, each.priority, each.created, each.timestamp) for each in found] == [("1", "failed", 3, "a", "b"), ("2", "failed", 3, "a", "b")]
    assert operator.asked() == ["GET /async/texts?limit=1000&status=failed", "GET /async/texts?limit=1000&status=failed&cursor=c"]
    assert next(iter(texts.list())).id == "1"


def waiting_for_request(timeout):
    return lambda clock: _requests.RequestRoutes(_operator.Operator(ENVIRONMENT, clock=clock), "texts", "http://h/texts").wait("1", timeout)


def test_wait_for_request_over_a_restart():
    def answers(url, time):
        return ConnectionFailed("away") if 5 < time[0] < 30 else (503, {}) if time[0] < 40 else {"id": "1", "status": "completed"} if time[0] > 50 else {"id": "1", "status": "in_queue"}

    state, took, asked = run(waiting_for_request(600), answers)
    assert state.completed and 50 < took < 52
    assert asked[0] == "GET http://h/texts/1?wait=30s"


def test_wait_for_request_that_takes_too_long():
    with pytest.raises(CortexTimeout, match="^1 of texts is in_progress after 3 s$"):
        run(waiting_for_request(3), lambda url, time: {"id": "1", "status": "in_progress"})
    with pytest.raises(ConnectionFailed):
        run(waiting_for_request(600), lambda url, time: ConnectionFailed("away"))


def test_wait_for_nothing_asks_once():
    asked = []
    with pytest.raises(CortexTimeout):
        run(waiting_for_request(0), lambda url, time: asked.append(url) or {"id": "1", "status": "in_queue"})
    assert asked == ["http://h/texts/1"]


def test_logs(client, operator):
    operator.answers["GET /streamlogs/a"] = "one\nzwei ü\r\n\nlast".encode()
    assert list(client.logs("a")) == ["one", "zwei ü\r", "", "last"]
    assert list(client.logs("a", "7", follow=True, tail=5, all_replicas=False)) == ["one", "zwei ü\r", "", "last"]
    assert operator.asked() == ["GET /streamlogs/a?allPods=true&follow=false", "GET /streamlogs/a?allPods=false&follow=true&jobID=7&tail=5"]
    operator.answers["GET /streamlogs/a"] = (400, {"kind": "endpoints.logs_job_id_required", "message": "name a job"})
    with pytest.raises(OperatorError, match="name a job"):
        list(client.logs("a"))


def test_call(client, operator):
    operator.answers["GET /get/hello"] = [{**REALTIME, "endpoint": f"{operator.url}/hello"}]
    operator.answers["POST /hello"] = {"label": "ü"}
    operator.answers["GET /hello/sub"] = b"text"
    operator.answers["POST /hello/bad"] = (503, "pending request queue full\n")
    assert client.call("hello", {"n": 1}) == {"label": "ü"}
    assert operator.requests[-1][3] == b'{"n": 1}' and "authorization" not in operator.requests[-1][2]
    assert client.call("hello", method="GET", path="/sub?x=1", headers={"X-Mine": "1"}) == "text"
    assert operator.asked()[-1] == "GET /hello/sub?x=1" and operator.requests[-1][2]["x-mine"] == "1"
    with pytest.raises(OperatorError, match="^hello answered with status 503: pending request queue full$") as caught:
        client.call("hello", b"x", path="/bad", endpoint=f"{operator.url}/hello")
    assert caught.value.status == 503


def test_inside_a_container_apis_are_called_by_their_inner_address(monkeypatch):
    inside = _operator.Operator(Environment("default", "http://operator.default.svc.cluster.local:8888"))
    assert inside.address("http://127.0.0.1:8889/texts") == "http://ingressgateway-apis.istio-system.svc.cluster.local/texts"
    assert inside.address("/texts/v1") == "http://ingressgateway-apis.istio-system.svc.cluster.local/texts/v1"
    outside = _operator.Operator(ENVIRONMENT)
    assert outside.address("http://127.0.0.1:8889/texts") == "http://127.0.0.1:8889/texts"
    with pytest.raises(CortexBinaryException, match="a whole URL"):
        outside.address("/texts")
