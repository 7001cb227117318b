"""
Trains a random forest to read handwritten digits, on half of the pictures that come with scikit-learn, and leaves it in
storage, with the pictures that it has not seen. A task job: it runs to its end once.
"""
import io
import json
import os

import boto3
import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

with open("/cortex/spec/job.json") as file:
    config = json.load(file)["config"] or {}
bucket = config.get("bucket", "examples")
trees = int(config.get("trees", 200))
copies = int(config.get("copies", 20))

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(digits.data, digits.target, test_size=0.5, random_state=1)

model = RandomForestClassifier(warm_start=True, random_state=1)
for step in range(1, 11):
    model.set_params(n_estimators=max(1, trees * step // 10)).fit(x_train, y_train)
    print(f"{len(model.estimators_):4} of {trees} trees: {model.score(x_test, y_test):.1%} of {len(x_test)} pictures right", flush=True)

# More to score than there is: each picture that it has not seen, several times over, every time with other noise.
random = np.random.default_rng(1)
pictures = [
    {"id": f"{i}-{copy}", "digit": int(digit), "pixels": np.clip(np.rint(pixels + random.normal(0, 2, 64)), 0, 16).astype(int).tolist()}
    for copy in range(copies) for i, (pixels, digit) in enumerate(zip(x_test, y_test))
]

storage = boto3.client("s3", endpoint_url=os.environ.get("S3_ENDPOINT"))


def write(key, content):
    storage.put_object(Bucket=bucket, Key=key, Body=content)
    print(f"wrote s3://{bucket}/{key}, {len(content) / 1e6:.1f} MB", flush=True)


storage.create_bucket(Bucket=bucket)
packed = io.BytesIO()
joblib.dump(model, packed, compress=3)
write("digits/model.joblib", packed.getvalue())
for part in range(4):
    write(f"digits/pictures/{part}.jsonl", "".join(json.dumps(picture) + "\n" for picture in pictures[part::4]).encode())
