"""Which members of the requests of SageMaker Pipelines are honoured: see `members.py`."""

from collections.abc import Mapping

#: How pipelines are listed, and experiments too.
LISTED_BY_CREATION = {
    "NextToken",
    "MaxResults",
    "SortBy",
    "SortOrder",
    "CreatedAfter",
    "CreatedBefore",
}
#: What a pipeline is; its versions have no aliases here.
_PIPELINE = {
    "PipelineName",
    "PipelineDisplayName",
    "PipelineDefinition",
    "PipelineDefinitionS3Location.Bucket",
    "PipelineDefinitionS3Location.ObjectKey",
    "PipelineDescription",
    "RoleArn",
    "ParallelismConfiguration",
}

HONOURED: Mapping[str, set[str]] = {
    "CreatePipeline": {*_PIPELINE, "ClientRequestToken", "Tags"},
    "UpdatePipeline": _PIPELINE,
    "DescribePipeline": {"PipelineName", "PipelineVersionId"},
    "UpdatePipelineVersion": {
        "PipelineArn",
        "PipelineVersionId",
        "PipelineVersionDisplayName",
        "PipelineVersionDescription",
    },
    "ListPipelines": LISTED_BY_CREATION | {"PipelineNamePrefix", "ManagedBy"},
    "StartPipelineExecution": {
        "PipelineName",
        "PipelineExecutionDisplayName",
        "PipelineExecutionDescription",
        "PipelineParameters",
        "ClientRequestToken",
        "ParallelismConfiguration",
        "SelectiveExecutionConfig",
        "PipelineVersionId",
        "RoleArn",
    },
    "ListPipelineExecutions": LISTED_BY_CREATION | {"PipelineName"},
}
