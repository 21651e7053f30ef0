"""What happens after every round of boosting: the log, the checkpoint, and the end when asked."""

import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import xgboost as xgb
from xgboost.callback import TrainingCallback

_CHECKPOINT = re.compile(r"xgboost-checkpoint\.(\d+)")
_KEPT = 5
#: Seconds that one checkpoint more stays where rounds are fast: a file is uploaded once it was seen
#: twice, and those of five fast rounds may all be gone by then.
_SEEN = 3.0

_Log = Mapping[str, Mapping[str, list[float] | list[tuple[float, float]]]]


class Progress(TrainingCallback):
    """Logs as SageMaker's container does, and saves where SageMaker says."""

    def __init__(self, *, logs: bool, checkpoints: Path | None = None, start: int = 0) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self._start = start
        self._logs = logs
        self._stop = False

    def stop_on_sigterm(self) -> None:
        """SIGTERM ends the training after this round, so that the model so far is kept."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stop = True

        signal.signal(signal.SIGTERM, stop)

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: _Log) -> bool:
        """Called by XGBoost; True ends the training."""
        scores = [
            f"{data_set}-{metric}:{last(values):.5f}"
            for data_set, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        if self._logs:
            print("\t".join([f"[{self._start + epoch}]", *scores]), flush=True)  # noqa: T201
        if self._checkpoints:
            _save(model, self._checkpoints, self._start + epoch)
        return self._stop


def last(values: list[float] | list[tuple[float, float]]) -> float:
    """The newest value of a metric, as XGBoost keeps it."""
    newest = values[-1]
    return newest[0] if isinstance(newest, tuple) else newest


def _rounds(folder: Path) -> list[int]:
    found = (_CHECKPOINT.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def _save(model: xgb.Booster, folder: Path, epoch: int) -> None:
    # SIGTERM may end it here: what is called so is never uploaded.
    temporary = folder / "xgboost-checkpoint.sagemaker-ignore"
    temporary.write_bytes(model.save_raw("ubj"))
    temporary.replace(folder / f"xgboost-checkpoint.{epoch}")
    superseded = [folder / f"xgboost-checkpoint.{old}" for old in _rounds(folder)[:-_KEPT]]
    if superseded and time.time() - superseded[0].stat().st_mtime < _SEEN:
        del superseded[0]
    for old in superseded:
        old.unlink(missing_ok=True)


def latest(folder: Path | None) -> tuple[bytearray | None, int]:
    """The newest checkpoint in a folder, and the round to go on with."""
    if folder is None:
        return None, 0
    folder.mkdir(parents=True, exist_ok=True)
    rounds = _rounds(folder)
    if not rounds:
        return None, 0
    return bytearray((folder / f"xgboost-checkpoint.{rounds[-1]}").read_bytes()), rounds[-1] + 1
