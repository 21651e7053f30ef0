"""The published component `SageMaker - Batch Transformation`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.published.arguments import (
    COMMON,
    Input,
    Inputs,
    integer,
    mapping,
    parse,
    tags,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.jobs import completed
from flowmaker.components.published.session import Session, generated

INPUTS = (
    *COMMON,
    Input("job_name", str, ""),
    Input("model_name"),
    Input("max_concurrent", integer, 0),
    Input("max_payload", integer, 6),
    Input("batch_strategy", str, "", ("MultiRecord", "SingleRecord", "")),
    Input("environment", mapping, {}),
    Input("input_location"),
    Input("data_type", str, "S3Prefix", ("ManifestFile", "S3Prefix", "AugmentedManifestFile", "")),
    Input("content_type", str, ""),
    Input("split_type", str, "None", ("None", "Line", "RecordIO", "TFRecord", "")),
    Input("compression_type", str, "None", ("None", "Gzip", "")),
    Input("output_location"),
    Input("accept", str, ""),
    Input("assemble_with", str, "", ("None", "Line", "")),
    Input("output_encryption_key", str, ""),
    Input("input_filter", str, ""),
    Input("output_filter", str, ""),
    Input("join_source", str, "None", ("None", "Input", "")),
    Input("instance_type", str, "ml.m4.xlarge"),
    Input("instance_count", integer, 1),
    Input("resource_encryption_key", str, ""),
)
OUTPUTS = ("output_location",)


def _processing(values: Inputs) -> dict[str, object]:
    return without_empty(
        {
            "InputFilter": values["input_filter"],
            "OutputFilter": values["output_filter"],
            "JoinSource": values["join_source"],
        }
    )


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateTransformJob."""
    source = {
        "S3DataType": values["data_type"] or "S3Prefix",
        "S3Uri": values["input_location"],
    }
    return without_empty(
        {
            "TransformJobName": values["job_name"] or generated("BatchTransform-"),
            "ModelName": values["model_name"],
            "MaxConcurrentTransforms": values["max_concurrent"],
            "MaxPayloadInMB": values["max_payload"],
            "BatchStrategy": values["batch_strategy"],
            "Environment": values["environment"],
            "TransformInput": without_empty(
                {
                    "DataSource": {"S3DataSource": source},
                    "ContentType": values["content_type"],
                    "SplitType": values["split_type"],
                    "CompressionType": values["compression_type"],
                }
            ),
            "TransformOutput": without_empty(
                {
                    "S3OutputPath": values["output_location"],
                    "Accept": values["accept"],
                    "AssembleWith": values["assemble_with"],
                    "KmsKeyId": values["output_encryption_key"],
                }
            ),
            "TransformResources": without_empty(
                {
                    "InstanceType": values["instance_type"],
                    "InstanceCount": values["instance_count"],
                    "VolumeKmsKeyId": values["resource_encryption_key"],
                }
            ),
            "DataProcessing": _processing(values),
            "Tags": tags(values["tags"]),
        }
    )


def main(argv: Sequence[str]) -> None:
    """Transforms, and writes the output."""
    values = parse(INPUTS, OUTPUTS, argv)
    completed(Session(values), "TransformJob", request(values))
    write_outputs(values, {"output_location": values["output_location"]})
