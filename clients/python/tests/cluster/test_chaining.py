"""A job that calls APIs of every kind from inside its container, by their names in the cluster and with what it finds there."""

import json

from clusters import task

CODE = """
import json
import cortex

with cortex.client() as client:
    said = client.call("hello", {"from": "inside"})
    texts = client.requests("texts")
    text = texts.result(texts.submit({"n": 2}), timeout=120)
    ended = {}
    for name, job in (("score", client.jobs("score").submit_items([1, 2, 3], workers=1, batch_size=1)), ("train", client.jobs("train").submit(config={"rate": 3}))):
        client.jobs(name).wait(job.job_id, timeout=120, check=True)
        ended[name] = client.get_job(name, job.job_id)["job_status"]["status"]
    print(json.dumps({
        "operator": client.env["operator_endpoint"], "hello": said["said"], "texts": text["said"], **ended,
        "endpoint": client.get_api("hello").endpoint,
    }))
"""


def test_a_job_calls_every_kind(deployed, client, twins):
    name = f"chain-{twins.kind}"
    client.deploy(task(name, CODE))
    jobs = client.jobs(name)
    job = jobs.submit()
    jobs.wait(job.job_id, timeout=300, check=True)

    line = next(line for line in client.logs(name, job.job_id) if '"operator"' in line)
    assert json.loads(line[line.index("{") :]) == {
        "operator": "http://operator.default.svc.cluster.local:8888",
        "hello": {"from": "inside"},
        "texts": {"n": 2},
        "score": "succeeded",
        "train": "succeeded",
        "endpoint": "http://ingressgateway-apis.istio-system.svc.cluster.local/hello",
    }
    client.delete(name)
