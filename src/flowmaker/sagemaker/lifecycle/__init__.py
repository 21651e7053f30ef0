"""The state machines of jobs and endpoints: pure decisions on records."""
