"""What runs in a task's own process, in the interpreter of its environment: stdlib only."""
