"""The container of one's own that SageMaker's examples show: Flask in gunicorn, on PORT.

The model is that of FILE; a worker for each processor, as the examples have it.
"""

import io
import os
import sys

import flask
import pandas as pd
import xgboost
from gunicorn.app.base import BaseApplication

FILE, PORT = sys.argv[1:]

app = flask.Flask(__name__)
model = xgboost.Booster({"nthread": 1}, model_file=FILE)


@app.route("/ping")
def ping() -> flask.Response:
    return flask.Response("\n", status=200)


@app.route("/invocations", methods=["POST"])
def invocations() -> flask.Response:
    rows = pd.read_csv(io.StringIO(flask.request.data.decode()), header=None)
    predicted = model.inplace_predict(rows.to_numpy(), validate_features=False)
    out = io.StringIO()
    pd.DataFrame({"results": predicted}).to_csv(out, header=False, index=False)
    return flask.Response(out.getvalue(), status=200, mimetype="text/csv")


class Server(BaseApplication):
    """gunicorn, told here what its command line would tell it."""

    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{PORT}")
        self.cfg.set("workers", os.cpu_count() or 1)
        self.cfg.set("timeout", 60)
        self.cfg.set("keepalive", 75)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 8)

    def load(self) -> flask.Flask:
        return app


Server().run()
