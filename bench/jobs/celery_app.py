"""The task of the comparison with Celery: gives its item to the worker that does nothing; acknowledged only when done."""
import http.client
import os

from celery import Celery

app = Celery("bench", broker=f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0", backend=f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/1")
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=16, task_serializer="json", result_serializer="json")

connection = http.client.HTTPConnection(os.environ["NOOP"], timeout=30)


@app.task
def noop(item):
    connection.request("POST", "/", f"[{item}]", {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"answered {answer.status}")
