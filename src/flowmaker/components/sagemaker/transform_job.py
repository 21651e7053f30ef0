"""A batch transform job."""
# ruff: noqa: PLR0913, PLR0917, B006 - inputs are arguments
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import NamedTuple

from flowmaker.components.following import clients, given, run_job
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def batch_transform(
    region: str,
    model_name: str,
    input_location: str,
    output_location: str,
    content_type: str = "",
    split_type: str = "None",
    accept: str = "",
    assemble_with: str = "",
    batch_strategy: str = "",
    max_concurrent: int = 0,
    max_payload: int = 6,
    compression_type: str = "None",
    data_type: str = "S3Prefix",
    input_filter: str = "",
    output_filter: str = "",
    join_source: str = "None",
    environment: dict[str, str] = {},
    instance_type: str = "ml.m5.large",
    instance_count: int = 1,
    job_name: str = "",
    tags: dict[str, str] = {},
) -> NamedTuple("Outputs", [("output_location", str), ("job_name", str)]):
    """Have a model predict all that is under an S3 prefix.

    Args:
        region: The AWS region.
        model_name: The SageMaker model.
        input_location: `s3://…` of what is predicted.
        output_location: `s3://…` under which each input's predictions are put, as `NAME.out`.
        content_type: What the inputs are, e.g. `text/csv`.
        split_type: How an input is cut into records: None, Line, RecordIO or TFRecord.
        accept: What the predictions shall be, e.g. `application/json`.
        assemble_with: How predictions are put together: None or Line.
        batch_strategy: MultiRecord or SingleRecord.
        max_concurrent: Requests at once to an instance; 0 leaves it to the model.
        max_payload: Megabytes of a request at most.
        compression_type: None or Gzip.
        data_type: S3Prefix or ManifestFile.
        input_filter: JSONPath of what of an input goes to the model.
        output_filter: JSONPath of what is kept of the result.
        join_source: None, or Input to put each input before its prediction.
        environment: Environment variables of the model's container.
        instance_type: The kind of machine that predicts.
        instance_count: How many of them.
        job_name: The job's name; made up for this task if empty.
        tags: Tags of the job.

    Returns:
        Where the predictions are, and the job's name.
    """
    source = {"S3DataType": data_type, "S3Uri": input_location}
    request = given(
        ModelName=model_name,
        MaxConcurrentTransforms=max_concurrent,
        MaxPayloadInMB=max_payload,
        BatchStrategy=batch_strategy,
        Environment=environment,
        TransformInput=given(
            DataSource={"S3DataSource": source},
            ContentType=content_type,
            SplitType=split_type,
            CompressionType=compression_type,
        ),
        TransformOutput=given(
            S3OutputPath=output_location, Accept=accept, AssembleWith=assemble_with
        ),
        TransformResources={"InstanceType": instance_type, "InstanceCount": instance_count},
        DataProcessing=given(
            InputFilter=input_filter, OutputFilter=output_filter, JoinSource=join_source
        ),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    job_name, _ = run_job(clients(region), "TransformJob", job_name, "transform", request)
    return (output_location, job_name)
