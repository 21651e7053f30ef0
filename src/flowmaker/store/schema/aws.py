"""Tables of flowmaker.aws."""
