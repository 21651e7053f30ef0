"""The `flowmaker` command: a client of the public APIs."""
