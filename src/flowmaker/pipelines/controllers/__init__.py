"""Make what the database says is wanted so."""
