"""Pipelines with a step of every kind, for the pictures of the web interface."""

from kfp import dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def prepare(rows: int, data: dsl.Output[dsl.Dataset]) -> None:
    with open(data.path, "w") as file:
        file.write("age,calls,churned\n" + "41,3,0\n" * rows)
    data.metadata["rows"] = rows


@dsl.component(base_image=IMAGE)
def train(
    data: dsl.Input[dsl.Dataset],
    depth: int,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
) -> float:
    import time

    for round_ in range(1, 9):
        print(f"round {round_} loss={1 / (round_ + depth):.4f}", flush=True)
        time.sleep(0.05)
    accuracy = 0.9 + depth / 100
    metrics.log_metric("accuracy", accuracy)
    metrics.log_metric("loss", 1 / (8 + depth))
    curves.log_confusion_matrix(["stays", "leaves"], [[812, 31], [44, 113]])
    curves.log_roc_curve([0, 0.04, 0.1, 0.3, 1], [0, 0.62, 0.83, 0.95, 1], [1, 0.8, 0.6, 0.3, 0])
    with open(model.path, "w") as file:
        file.write("trees")
    return accuracy


@dsl.component(base_image=IMAGE)
def look_at(month: int) -> int:
    return month


@dsl.component(base_image=IMAGE)
def publish(accuracy: float) -> str:
    return f"accuracy {accuracy:.3f}"


@dsl.component(base_image=IMAGE)
def check(rows: int) -> None:
    print("checking", rows, "rows")
    raise ValueError("row 7 has no label: 'churned' is empty")


@dsl.pipeline(name="churn")
def sample(depth: int = 4, rows: int = 200) -> None:
    """Trains a model of who leaves, and publishes it if it is good enough."""
    data = prepare(rows=rows)
    trained = train(data=data.outputs["data"], depth=depth)
    with dsl.ParallelFor(list(range(12)), name="each month") as month:
        look_at(month=month).after(data)
    with dsl.If(trained.outputs["Output"] > 0.9, name="good enough"):  # type: ignore[operator]
        publish(accuracy=trained.outputs["Output"])


@dsl.pipeline(name="churn-check")
def failing(rows: int = 200) -> None:
    """Finds what is wrong with the rows."""
    data = prepare(rows=rows)
    with dsl.ParallelFor(list(range(40)), name="each month") as month:
        look_at(month=month).after(data)
    check(rows=rows).after(data)
