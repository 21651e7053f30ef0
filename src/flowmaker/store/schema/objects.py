"""Tables of flowmaker.objects."""
