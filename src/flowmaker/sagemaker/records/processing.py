"""What is known of a processing job beside its request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flowmaker.sagemaker.records.training import Ending


class ProcessingPhase(StrEnum):
    """What the controller does for the job now. Phases follow each other in this order."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    PROCESSING = "Processing"
    UPLOADING = "Uploading"
    DONE = "Done"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingState:
    """A processing job as its controller knows it."""

    phase: ProcessingPhase = ProcessingPhase.STARTING
    ending: Ending = Ending.NONE
    stop_requested: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure_reason: str = ""
    #: What the program left in /opt/ml/output/message.
    exit_message: str = ""
