"""Trains a classifier on the wine data set that comes with scikit-learn, and saves it. Runs while the image is built."""
import joblib
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

wine = load_wine()
x_train, x_test, y_train, y_test = train_test_split(wine.data, wine.target, test_size=0.25, random_state=1)
model = RandomForestClassifier(n_estimators=100, random_state=1).fit(x_train, y_train)
print(f"accuracy on wines that it has not seen: {model.score(x_test, y_test):.2f}")
joblib.dump({"model": model, "features": wine.feature_names, "cultivars": list(wine.target_names), "background": x_train}, "model.joblib")
