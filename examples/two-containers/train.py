"""Trains a classifier of handwritten digits (8 by 8 pixels, from scikit-learn). Runs while the image is built."""
import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(digits.data / 16, digits.target, test_size=0.25, random_state=1)
model = SVC(gamma=1 / 16, probability=True, random_state=1).fit(x_train, y_train)
print(f"accuracy on digits that it has not seen: {model.score(x_test, y_test):.3f}")
joblib.dump(model, "model.joblib")
