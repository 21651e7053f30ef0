"""Tables of flowmaker.kubernetes."""
