"""The instances of a job, as its state machine sees its processes."""

from flowmaker.executors.executor import Observation, ProcessState
from flowmaker.sagemaker.records.training import Instance

_PLAIN = {
    ProcessState.ABSENT: Instance.ABSENT,
    ProcessState.RUNNING: Instance.RUNNING,
    ProcessState.LOST: Instance.LOST,
}


def instance(seen: Observation) -> Instance:
    """What the state machine makes of a process."""
    if seen.state in _PLAIN:
        return _PLAIN[seen.state]
    assert seen.outcome is not None, "an ended process has an outcome"
    if seen.outcome.reason == "timeout":
        return Instance.TIMEOUT
    if seen.outcome.reason:
        return Instance.STOPPED
    return Instance.SUCCEEDED if seen.outcome.exit_code == 0 else Instance.FAILED
