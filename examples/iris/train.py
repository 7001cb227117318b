"""Trains a classifier on the iris data set that comes with scikit-learn, and saves it. Runs while the image is built."""
import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

iris = load_iris()
x_train, x_test, y_train, y_test = train_test_split(iris.data, iris.target, test_size=0.25, random_state=1)
model = LogisticRegression(max_iter=1000).fit(x_train, y_train)
print(f"accuracy on flowers that it has not seen: {model.score(x_test, y_test):.2f}")
joblib.dump({"model": model, "species": list(iris.target_names)}, "model.joblib")
