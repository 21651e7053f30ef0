"""The index of the object store: what exists, under which key, and in which file."""
