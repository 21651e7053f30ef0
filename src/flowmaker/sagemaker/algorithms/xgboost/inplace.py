"""Predictions of a few rows by XGBoost's C interface, `XGBoosterPredictFromDense`.

`Booster.inplace_predict` finds out what kind of table it was given, and spells its question anew,
at each call: for one row that takes four times as long as the prediction. Here the table is always
an array of 32-bit numbers, and the question always the same.
"""

import ctypes
import json
import math
import sys
from functools import cache

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from xgboost.libpath import find_lib_path

_TYPE = b"<f4" if sys.byteorder == "little" else b">f4"


class InPlace:
    """A booster that answers tables of numbers. Any thread may ask it."""

    def __init__(self, model: xgb.Booster, iterations: tuple[int, int]) -> None:
        """`iterations` are the trees that count, as `Booster.inplace_predict` has them."""
        self._model = model  # it owns the handle
        self._handle = model.handle
        question = {
            "type": 0,
            "training": False,
            "iteration_begin": iterations[0],
            "iteration_end": iterations[1],
            "missing": float("nan"),
            "strict_shape": False,
            "cache_id": 0,
        }
        self._question = json.dumps(question).encode()

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each row a number, or several where the objective gives several.

        Raises:
            xgboost.core.XGBoostError: the rows are not as wide as those of the training.
        """
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        # The documented "array interface" of NumPy: an address, a shape and a type, as JSON.
        table = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"%b","version":3}' % (
            rows.ctypes.data,
            *rows.shape,
            _TYPE,
        )
        shape, axes = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        answer = ctypes.POINTER(ctypes.c_float)()
        library = _library()
        failed = library.XGBoosterPredictFromDense(
            self._handle,
            table,
            self._question,
            None,
            ctypes.byref(shape),
            ctypes.byref(axes),
            ctypes.byref(answer),
        )
        if failed:
            raise xgb.core.XGBoostError(library.XGBGetLastError().decode())
        found = tuple(shape[: axes.value])
        # The thread's next question overwrites what the answer points to: it is copied.
        size = ctypes.sizeof(ctypes.c_float) * math.prod(found)
        return np.frombuffer(bytearray(ctypes.string_at(answer, size)), np.float32).reshape(found)


@cache
def _library() -> ctypes.CDLL:
    """XGBoost's own, which its package has loaded already, with the types of what is called."""
    library = ctypes.CDLL(find_lib_path()[0])
    library.XGBGetLastError.restype = ctypes.c_char_p
    text, place = ctypes.c_char_p, ctypes.c_void_p
    library.XGBoosterPredictFromDense.argtypes = [place, text, text, place, place, place, place]
    return library
