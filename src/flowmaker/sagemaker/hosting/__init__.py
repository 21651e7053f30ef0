"""The way of an invocation: from an endpoint's name to a model server, and back."""
