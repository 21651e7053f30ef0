"""The lines that Amazon's own algorithms write into the log: metrics are read from them."""

import os
import time

from flowmaker.sagemaker.algorithms.job import Job


def say(message: str) -> None:
    """A line with its time, as these containers write it."""
    stamp = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime())
    print(f"[{stamp} INFO {os.getpid()}] {message}", flush=True)  # noqa: T201 - the job's log


def quality(job: Job, data_set: str, metric: str, value: float, *, kind: str = "loss") -> None:
    """What is read as the metric `DATA_SET:METRIC`; a `loss` is better small, a `score` large."""
    say(f"#quality_metric: host={job.host}, {data_set} {metric} <{kind}>={value!r}")


def progress(job: Job, epoch: int, epochs: int, rows: int, seconds: float) -> None:
    """How far the training is after an epoch (from 0), and how fast it went."""
    done = 100 * (epoch + 1) / epochs
    rate = rows / max(seconds, 1e-9)
    say(f"#progress_metric: host={job.host}, completed {done:g} % of epochs")
    say(f"#throughput_metric: host={job.host}, train throughput={rate:.3f} records/second")


#: Names and regexes of the metrics that progress() writes.
PROGRESS = (
    ("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
    ("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
)


def definition(data_set: str, metric: str, *, kind: str = "loss") -> tuple[str, str]:
    """Name and regex of a metric that quality() writes."""
    return (
        f"{data_set}:{metric}",
        rf"#quality_metric: host=\S+, {data_set} {metric} <{kind}>=(\S+)",
    )
