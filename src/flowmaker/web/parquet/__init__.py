"""The beginning of a Parquet file: a program of its own, since the server has no reader of it."""
