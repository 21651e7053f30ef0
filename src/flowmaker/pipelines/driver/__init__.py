"""What a task gets: its inputs, its placeholders, its paths. KFP calls this part the driver."""
