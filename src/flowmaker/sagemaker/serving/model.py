"""What a model server serves."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol


class Refused(Exception):  # noqa: N818 - named for what happened to the request
    """The request cannot be answered; the message is the answer's body."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Keeps the status that the answer has."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a prediction, and what it is."""

    body: bytes
    content_type: str


class Model(Protocol):
    """A loaded model. Called from several threads at once."""

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; the headers are as they were sent, empty if not at all.

        Raises:
            Refused: with the status and the words that the algorithm's container gives.
        """
        ...
