"""How runs and tasks change their states: decisions, and nothing else."""
