"""Amazon CloudWatch Logs: what jobs and endpoints print, and groups of one's own.

A job's stream is the log file of a process; nothing is copied. What the file lacks are times:
`marks` says up to which byte it had grown when somebody looked, and a line's time is that of the
first look that found it whole. Jobs' controllers look about once a second, readers whenever they
read. The events that users put are rows of the database (`repository.kept`).
"""
