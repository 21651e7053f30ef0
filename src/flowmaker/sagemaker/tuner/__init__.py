"""Suggests hyperparameters, by Optuna: a program of its own, with an environment of its own."""
