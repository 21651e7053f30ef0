"""SageMaker as steps of a pipeline, for KFP 2.

    from flowmaker.components import sagemaker as sm

    trained = sm.training(region=…, role=…, image=…, channels=[…], model_artifact_path="s3://…")
    model = sm.model(…, model_artifact_url=trained.outputs["model_artifact_url"])

Each is a lightweight Python component that needs boto3 alone: the same compiled pipeline runs on
Flowmaker, and on a Kubeflow cluster against AWS. Inputs are named as in the published components;
outputs are plain strings, so that one step's output is the next one's input.
"""

from flowmaker.components.sagemaker.deployment import deploy
from flowmaker.components.sagemaker.models import model
from flowmaker.components.sagemaker.processing_job import processing
from flowmaker.components.sagemaker.training_job import training
from flowmaker.components.sagemaker.transform_job import batch_transform
from flowmaker.components.sagemaker.tuning_job import tuning

__all__ = ["batch_transform", "deploy", "model", "processing", "training", "tuning"]
