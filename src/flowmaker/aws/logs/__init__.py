"""Amazon CloudWatch Logs: what jobs and endpoints print, while they run and afterwards.

A stream is the log file of a process; nothing is copied. What the file lacks are times: `marks`
says up to which byte it had grown when somebody looked, and a line's time is that of the first
look that found it whole. Jobs' controllers look about once a second, readers whenever they read.
"""
