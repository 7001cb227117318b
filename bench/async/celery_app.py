"""The no-op task of the comparison with Celery: acknowledged only when done, its result kept."""
from celery import Celery

app = Celery("bench", broker="redis://127.0.0.1:26379/0", backend="redis://127.0.0.1:26379/1")
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=16, task_serializer="json", result_serializer="json", result_expires=604800)

RESULT = {"result": "r" * 1000}


@app.task
def noop(payload):
    return RESULT
