"""Framework images, whose programs are the user's scripts: scikit-learn, XGBoost, PyTorch."""
