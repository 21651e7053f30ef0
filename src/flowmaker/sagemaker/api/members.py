"""Which members of each request are honoured. Any other that is set is refused by its name.

`harmless` in the comments: on one machine its absence has no effect that anyone could see, and
unchanged code sends it: who encrypts with which key, in which network, on how large a disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api import pipeline_members
from flowmaker.sagemaker.api.pipeline_members import LISTED_BY_CREATION

_SOURCE = "DataSource.S3DataSource"
_LIST = {
    "NextToken",
    "MaxResults",
    "NameContains",
    "CreationTimeAfter",
    "CreationTimeBefore",
    "SortBy",
    "SortOrder",
}
_DEFINITIONS = ("TrainingJobDefinition", "TrainingJobDefinitions")
#: What of a definition is honoured; what a training job does not honour is refused by its name.
_DEFINITION = (
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
    "AlgorithmSpecification.TrainingImage",
    "AlgorithmSpecification.TrainingInputMode",
    "AlgorithmSpecification.MetricDefinitions",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "HyperParameterTuningResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
#: What a trial component says of itself.
_COMPONENT = {
    "DisplayName",
    "Status",
    "StartTime",
    "EndTime",
    "Parameters",
    "InputArtifacts",
    "OutputArtifacts",
}
_LIST_WITH_STATUS = _LIST | {"StatusEquals", "LastModifiedTimeAfter", "LastModifiedTimeBefore"}
_CONTAINER = {
    "Image",
    "ModelPackageName",
    "ModelDataUrl",
    "ModelDataSource.S3DataSource.S3Uri",
    "ModelDataSource.S3DataSource.S3DataType",
    "ModelDataSource.S3DataSource.CompressionType",
    "ModelDataSource.S3DataSource.ModelAccessConfig",  # harmless: whoever has it, accepted it
    "AdditionalModelDataSources.ChannelName",
    "AdditionalModelDataSources.S3DataSource.S3Uri",
    "AdditionalModelDataSources.S3DataSource.S3DataType",
    "AdditionalModelDataSources.S3DataSource.CompressionType",
    "AdditionalModelDataSources.S3DataSource.ModelAccessConfig",  # harmless
    "Environment",
    "ContainerHostname",
    "ImageConfig.RepositoryAccessMode",  # harmless: no image is pulled
}

_VARIANT = (
    "VariantName",
    "ModelName",
    "InitialInstanceCount",
    "InstanceType",
    "InitialVariantWeight",
    "VolumeSizeInGB",  # harmless
    "ModelDataDownloadTimeoutInSeconds",  # harmless: nothing is downloaded
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "RoutingConfig.RoutingStrategy",
    "ServerlessConfig.MemorySizeInMB",
    "ServerlessConfig.MaxConcurrency",
    "ServerlessConfig.ProvisionedConcurrency",
)

#: Alarms that roll a deployment back are refused: CloudWatch has none here.
_DEPLOYMENT = {"DeploymentConfig.BlueGreenUpdatePolicy", "DeploymentConfig.RollingUpdatePolicy"}

HONOURED: Mapping[str, set[str]] = {
    **pipeline_members.HONOURED,
    "CreateTrainingJob": {
        "TrainingJobName",
        "HyperParameters",
        "AlgorithmSpecification.TrainingImage",
        "AlgorithmSpecification.TrainingInputMode",
        "AlgorithmSpecification.ContainerEntrypoint",
        "AlgorithmSpecification.ContainerArguments",
        "AlgorithmSpecification.MetricDefinitions",
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",  # harmless
        "RoleArn",
        "InputDataConfig.ChannelName",
        "InputDataConfig.ContentType",
        "InputDataConfig.CompressionType",
        "InputDataConfig.RecordWrapperType",
        "InputDataConfig.InputMode",
        f"InputDataConfig.{_SOURCE}.S3DataType",
        f"InputDataConfig.{_SOURCE}.S3Uri",
        f"InputDataConfig.{_SOURCE}.S3DataDistributionType",
        f"InputDataConfig.{_SOURCE}.AttributeNames",
        "InputDataConfig.ShuffleConfig.Seed",
        "OutputDataConfig.S3OutputPath",
        "OutputDataConfig.KmsKeyId",  # harmless
        "OutputDataConfig.CompressionType",
        "ResourceConfig.InstanceType",
        "ResourceConfig.InstanceCount",
        "ResourceConfig.VolumeSizeInGB",  # harmless
        "ResourceConfig.VolumeKmsKeyId",  # harmless
        "ResourceConfig.KeepAlivePeriodInSeconds",  # harmless: environments are always warm
        "VpcConfig",  # harmless
        "StoppingCondition.MaxRuntimeInSeconds",
        "StoppingCondition.MaxWaitTimeInSeconds",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",  # harmless: the traffic stays on the machine
        "EnableManagedSpotTraining",
        "CheckpointConfig.S3Uri",
        "CheckpointConfig.LocalPath",
        "DebugHookConfig.S3OutputPath",  # the SDK sends it with every job; it asks for nothing
        "ProfilerConfig",  # harmless: where system metrics would go
        "Environment",
        "Tags",
        "ExperimentConfig",  # harmless: it only says to which experiment the job belongs
        "RetryStrategy.MaximumRetryAttempts",
    },
    # Neither is anything profiled, nor are there rules for it, nor a Systems Manager to debug by.
    "UpdateTrainingJob": {
        "TrainingJobName",
        "ProfilerConfig",  # harmless
        "ResourceConfig.KeepAlivePeriodInSeconds",  # harmless
    },
    "CreateModel": {
        "ModelName",
        "ExecutionRoleArn",
        *(f"PrimaryContainer.{member}" for member in _CONTAINER),
        "PrimaryContainer.Mode",
        "PrimaryContainer.MultiModelConfig.ModelCacheSetting",
        *(f"Containers.{member}" for member in _CONTAINER),
        "Containers.Mode",
        "InferenceExecutionConfig.Mode",
        "EnableNetworkIsolation",
        "VpcConfig",  # harmless
        "Tags",
    },
    "CreateEndpointConfig": {
        "EndpointConfigName",
        *(f"ProductionVariants.{member}" for member in _VARIANT),
        *(f"ShadowProductionVariants.{member}" for member in _VARIANT),
        "DataCaptureConfig.EnableCapture",
        "DataCaptureConfig.InitialSamplingPercentage",
        "DataCaptureConfig.DestinationS3Uri",
        "DataCaptureConfig.KmsKeyId",  # harmless
        "DataCaptureConfig.CaptureOptions",
        "DataCaptureConfig.CaptureContentTypeHeader",
        "AsyncInferenceConfig.ClientConfig.MaxConcurrentInvocationsPerInstance",
        "AsyncInferenceConfig.OutputConfig.KmsKeyId",  # harmless
        "AsyncInferenceConfig.OutputConfig.S3OutputPath",
        "AsyncInferenceConfig.OutputConfig.S3FailurePath",
        "AsyncInferenceConfig.OutputConfig.NotificationConfig",
        "KmsKeyId",  # harmless
        "VpcConfig",  # harmless
        "Tags",
    },
    "CreateEndpoint": {"EndpointName", "EndpointConfigName", "Tags", *_DEPLOYMENT},
    "UpdateEndpoint": {
        "EndpointName",
        "EndpointConfigName",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "RetainDeploymentConfig",
        *_DEPLOYMENT,
    },
    "UpdateEndpointWeightsAndCapacities": {
        "EndpointName",
        "DesiredWeightsAndCapacities.VariantName",
        "DesiredWeightsAndCapacities.DesiredWeight",
        "DesiredWeightsAndCapacities.DesiredInstanceCount",
        "DesiredWeightsAndCapacities.ServerlessUpdateConfig",
    },
    "CreateTransformJob": {
        "TransformJobName",
        "ModelName",
        "MaxConcurrentTransforms",
        "ModelClientConfig.InvocationsTimeoutInSeconds",
        "ModelClientConfig.InvocationsMaxRetries",
        "MaxPayloadInMB",
        "BatchStrategy",
        "Environment",
        f"TransformInput.{_SOURCE}.S3DataType",
        f"TransformInput.{_SOURCE}.S3Uri",
        "TransformInput.ContentType",
        "TransformInput.CompressionType",
        "TransformInput.SplitType",
        "TransformOutput.S3OutputPath",
        "TransformOutput.Accept",
        "TransformOutput.AssembleWith",
        "TransformOutput.KmsKeyId",  # harmless
        "TransformResources.InstanceType",
        "TransformResources.InstanceCount",
        "TransformResources.VolumeKmsKeyId",  # harmless
        "DataProcessing.InputFilter",
        "DataProcessing.OutputFilter",
        "DataProcessing.JoinSource",
        "DataCaptureConfig.DestinationS3Uri",
        "DataCaptureConfig.GenerateInferenceId",
        "DataCaptureConfig.KmsKeyId",  # harmless
        "Tags",
        "ExperimentConfig",  # harmless
    },
    "CreateModelPackageGroup": {"ModelPackageGroupName", "ModelPackageGroupDescription", "Tags"},
    "ListModelPackageGroups": _LIST | {"CrossAccountFilterOption"},  # harmless: all are one's own
    "CreateModelPackage": {
        "ModelPackageName",
        "ModelPackageGroupName",
        "ModelPackageDescription",
        "ModelPackageRegistrationType",
        "InferenceSpecification",
        "CertifyForMarketplace",
        "Tags",
        "ModelApprovalStatus",
        "MetadataProperties",
        "ModelMetrics",
        "ClientToken",  # harmless: nothing is sent twice that was not asked for twice
        "Domain",
        "Task",
        "SamplePayloadUrl",
        "CustomerMetadataProperties",
        "DriftCheckBaselines",
        "AdditionalInferenceSpecifications",
        "SkipModelValidation",
        "SourceUri",
        "SecurityConfig",  # harmless
        "ModelCard",
        "ModelLifeCycle",
    },
    "UpdateModelPackage": {
        "ModelPackageArn",
        "ModelApprovalStatus",
        "ApprovalDescription",
        "CustomerMetadataProperties",
        "CustomerMetadataPropertiesToRemove",
        "AdditionalInferenceSpecificationsToAdd",
        "InferenceSpecification",
        "SourceUri",
        "ModelCard",
        "ModelLifeCycle",
        "ClientToken",  # harmless
    },
    "ListModelPackages": _LIST
    | {"ModelApprovalStatus", "ModelPackageGroupName", "ModelPackageType"},
    "CreateExperiment": {"ExperimentName", "DisplayName", "Description", "Tags"},
    "UpdateExperiment": {"ExperimentName", "DisplayName", "Description"},
    "ListExperiments": LISTED_BY_CREATION,
    "CreateTrial": {"TrialName", "DisplayName", "ExperimentName", "MetadataProperties", "Tags"},
    "UpdateTrial": {"TrialName", "DisplayName"},
    "ListTrials": LISTED_BY_CREATION | {"ExperimentName", "TrialComponentName"},
    "CreateTrialComponent": {
        *_COMPONENT,
        "TrialComponentName",
        "MetadataProperties",
        "Tags",
    },
    "UpdateTrialComponent": {
        *_COMPONENT,
        "TrialComponentName",
        "ParametersToRemove",
        "InputArtifactsToRemove",
        "OutputArtifactsToRemove",
    },
    "ListTrialComponents": LISTED_BY_CREATION | {"ExperimentName", "TrialName", "SourceArn"},
    "Search": {
        "Resource",
        "SearchExpression",
        "CrossAccountFilterOption",
        "SortBy",
        "SortOrder",
        "NextToken",
        "MaxResults",
    },
    "CreateProcessingJob": {
        "ProcessingJobName",
        "ProcessingInputs.InputName",
        "ProcessingInputs.S3Input",
        "ProcessingOutputConfig.Outputs.OutputName",
        "ProcessingOutputConfig.Outputs.S3Output",
        "ProcessingOutputConfig.KmsKeyId",  # harmless
        "ProcessingResources.ClusterConfig.InstanceCount",
        "ProcessingResources.ClusterConfig.InstanceType",
        "ProcessingResources.ClusterConfig.VolumeSizeInGB",  # harmless
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",  # harmless
        "StoppingCondition.MaxRuntimeInSeconds",
        "AppSpecification.ImageUri",
        "AppSpecification.ContainerEntrypoint",
        "AppSpecification.ContainerArguments",
        "Environment",
        "NetworkConfig.EnableNetworkIsolation",
        "NetworkConfig.EnableInterContainerTrafficEncryption",  # harmless: it stays here
        "NetworkConfig.VpcConfig",  # harmless
        "RoleArn",
        "Tags",
        "ExperimentConfig",  # harmless: it only says to which experiment the job belongs
    },
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobConfig",
        *(f"{member}.{name}" for member in _DEFINITIONS for name in _DEFINITION),
        "WarmStartConfig",
        "Autotune",
        "Tags",
    },
    "ListHyperParameterTuningJobs": _LIST_WITH_STATUS,
    "ListTrainingJobsForHyperParameterTuningJob": {
        "HyperParameterTuningJobName",
        "NextToken",
        "MaxResults",
        "StatusEquals",
        "SortBy",
        "SortOrder",
    },
    "ListTrainingJobs": _LIST_WITH_STATUS | {"WarmPoolStatusEquals", "TrainingPlanArnEquals"},
    "ListProcessingJobs": _LIST_WITH_STATUS,
    "ListModels": _LIST,
    "ListEndpointConfigs": _LIST,
    "ListEndpoints": _LIST_WITH_STATUS,
    "ListTransformJobs": _LIST_WITH_STATUS,
}


def check(call: Call) -> None:
    """Refuse what is not honoured.

    Raises:
        AwsError: naming the first such member.
    """
    known = HONOURED[call.operation]
    for member in _set_members(call.parameters):
        parts = member.split(".")
        if not any(".".join(parts[:end]) in known for end in range(1, len(parts) + 1)):
            raise validation(
                f"{call.operation}: {member} is not supported by Flowmaker. Leave it out, or run "
                "this on AWS."
            )


def refuse(call: Call, member: str, value: object, why: str) -> None:
    """Refuse a value of a member that is honoured otherwise.

    Raises:
        AwsError: always.
    """
    raise validation(f"{call.operation}: {member} {value} is not supported by Flowmaker: {why}")


def _set_members(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """The paths of all leaves that say anything; those of a list's items without their places."""
    if isinstance(value, Mapping) and value:
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _set_members(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in cast("Sequence[Any]", value):
            yield from _set_members(inner, path)
    elif value not in (None, False, "", {}):
        yield path
