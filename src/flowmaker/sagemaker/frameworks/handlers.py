"""What a framework does where the script does not: to load, read, predict and write."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from flowmaker.sagemaker.frameworks import codecs

# ruff: noqa: ANN401 - models, data and predictions are whatever a script makes of them
# Frameworks are imported where they are used: each is there in its own image alone.


class Handlers(Protocol):
    """The functions of a script that need not be in it, by the names they have there."""

    def model_fn(self, folder: str) -> Any: ...
    def input_fn(self, body: str | bytes, content_type: str) -> Any: ...
    def predict_fn(self, data: Any, model: Any) -> Any: ...
    def output_fn(self, prediction: Any, accept: str) -> Any: ...


class ScikitLearn:
    """As the scikit-learn container has it."""

    def model_fn(self, folder: str) -> Any:
        del folder
        raise NotImplementedError(
            "Please provide a model_fn implementation. See documentation for model_fn at "
            "https://github.com/aws/sagemaker-python-sdk"
        )

    def input_fn(self, body: str | bytes, content_type: str) -> Any:
        array = codecs.decode(body, content_type)
        is_text = codecs.media_type(content_type) in codecs.TEXTS
        return array.astype("float32") if is_text else array

    def predict_fn(self, data: Any, model: Any) -> Any:
        return model.predict(data)

    def output_fn(self, prediction: Any, accept: str) -> Any:
        return codecs.encode(prediction, accept)


class XGBoost(ScikitLearn):
    """As the XGBoost container has it: data is a DMatrix."""

    def input_fn(self, body: str | bytes, content_type: str) -> Any:
        import xgboost  # noqa: PLC0415

        from flowmaker.sagemaker.algorithms import recordio, tables  # noqa: PLC0415
        from flowmaker.sagemaker.algorithms.xgboost import libsvm  # noqa: PLC0415

        raw = body.encode() if isinstance(body, str) else body
        kind, _ = tables.media_type(content_type)
        if kind == tables.CSV:
            return xgboost.DMatrix(tables.parse_csv(raw.decode()))
        if kind == tables.LIBSVM:
            rows = libsvm.request(raw.decode())
            return libsvm.dmatrix(rows, rows.shape[1])
        if kind == tables.RECORDIO:
            return xgboost.DMatrix(tables.stack(list(recordio.read(raw))))
        raise codecs.unsupported(content_type)

    def predict_fn(self, data: Any, model: Any) -> Any:
        return model.predict(data, validate_features=False)


class PyTorch:
    """As the PyTorch container has it: of tensors; a model without model_fn is TorchScript."""

    def model_fn(self, folder: str) -> Any:
        torch: Any = import_module("torch")

        place = Path(folder) / "model.pt"
        if not place.is_file():
            found = [one for one in Path(folder).iterdir() if one.suffix in {".pt", ".pth"}]
            if len(found) != 1:
                names = [one.name for one in found]
                raise ValueError(
                    f"Exactly one .pth or .pt file is required for PyTorch models: {names}"
                )
            place = found[0]
        try:
            return torch.jit.load(str(place), map_location="cpu")
        except RuntimeError as error:
            raise ValueError(
                f"Failed to load {place}. Please ensure model is saved using torchscript."
            ) from error

    def input_fn(self, body: str | bytes, content_type: str) -> Any:
        torch: Any = import_module("torch")

        array = codecs.decode(body, content_type)
        if codecs.media_type(content_type) in codecs.TEXTS:
            return torch.FloatTensor(array)
        return torch.from_numpy(array)

    def predict_fn(self, data: Any, model: Any) -> Any:
        torch: Any = import_module("torch")

        with torch.no_grad():
            model.eval()
            return model(data)

    def output_fn(self, prediction: Any, accept: str) -> Any:
        torch: Any = import_module("torch")

        if isinstance(prediction, torch.Tensor):
            prediction = prediction.detach().cpu().numpy()
        return codecs.encode(prediction, accept)


HANDLERS: dict[str, type[Handlers]] = {
    "scikit-learn": ScikitLearn,
    "xgboost": XGBoost,
    "pytorch": PyTorch,
}
