"""The model registry and experiments as a user of SageMaker's SDK v2 has them.

A script of its own, for `flowmaker exec`; it prints one JSON object of what it saw, last.
"""

import json
import logging
from typing import Any

import sagemaker
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.experiments.run import Run, list_runs, load_run
from sagemaker.inputs import TrainingInput
from sagemaker.model import ModelPackage
from sagemaker.serializers import CSVSerializer
from sagemaker_pauses import Clock

logging.disable()
sagemaker.session.time = Clock()

INSTANCE = "ml.m5.large"


class Script:
    """One session, and the steps that use it."""

    def __init__(self) -> None:
        self.session = sagemaker.Session()
        self.role = sagemaker.get_execution_role()

    def trained(self) -> Estimator:
        bucket = self.session.default_bucket()
        rows = "\n".join(f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10))
        self.session.upload_string_as_file_body(rows, bucket, "registry/train.csv")
        estimator = Estimator(
            sagemaker.image_uris.retrieve("xgboost", "us-east-1", version="1.7-1"),
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{bucket}/registry/out",
            sagemaker_session=self.session,
            hyperparameters={"num_round": 10, "objective": "binary:logistic"},
        )
        channel = TrainingInput(f"s3://{bucket}/registry/train.csv", content_type="text/csv")
        estimator.fit({"train": channel}, logs=False)
        return estimator

    def run(self) -> tuple[Estimator, dict[str, Any]]:
        """A run with what was logged, and a job trained within it."""
        with Run("digits", run_name="first", sagemaker_session=self.session) as run:
            run.log_parameter("rate", 0.1)
            run.log_parameters({"kind": "a", "depth": 3})
            for step, loss in enumerate((0.5, 0.3)):
                run.log_metric("loss", loss, step=step)
            estimator = self.trained()
        with load_run(experiment_name="digits", run_name="first", sagemaker_session=self.session):
            pass
        runs = list_runs("digits", sagemaker_session=self.session)
        described = self.session.sagemaker_client.describe_trial_component(
            TrialComponentName="digits-first"
        )
        table = ExperimentAnalytics(
            experiment_name="digits", sagemaker_session=self.session
        ).dataframe()
        rows = table.set_index("TrialComponentName")
        return estimator, {
            "rows": len(rows),
            "rate": rows.loc["digits-first", "rate"],
            "loss": rows.loc["digits-first", "loss - Last"],
            "runs": [one.run_name for one in runs],
            "parameters": described["Parameters"],
            "metrics": {one["MetricName"]: one["Last"] for one in described.get("Metrics", ())},
        }

    def registered(self, estimator: Estimator) -> dict[str, Any]:
        """A version of a group, approved and hosted."""
        package = estimator.register(
            content_types=["text/csv"],
            response_types=["application/json"],
            inference_instances=[INSTANCE],
            transform_instances=[INSTANCE],
            model_package_group_name="registered-digits",
            approval_status="PendingManualApproval",
        )
        package.update_approval_status("Approved")
        model = ModelPackage(
            role=self.role,
            model_package_arn=package.model_package_arn,
            sagemaker_session=self.session,
        )
        model.deploy(1, INSTANCE, endpoint_name="of-a-package")
        predictor = sagemaker.Predictor(
            "of-a-package", self.session, CSVSerializer(), JSONDeserializer()
        )
        answer = predictor.predict([[9, 9], [0, 0]])
        predictor.delete_endpoint()
        return {
            "arn": package.model_package_arn,
            "status": self.session.sagemaker_client.describe_model_package(
                ModelPackageName=package.model_package_arn
            )["ModelApprovalStatus"],
            "predictions": answer["predictions"],
        }


def main() -> None:
    script = Script()
    estimator, run = script.run()
    seen = {"run": run, "registered": script.registered(estimator)}
    print()
    print(json.dumps(seen, default=str))


main()
