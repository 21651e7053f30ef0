"""The KMeans tutorial's notebook as it was written for KFP 1: run by `flowmaker exec --kfp1`.

Arguments: a folder with the published component.yaml files, the bucket, the role.
"""

import sys

import kfp
from kfp import components, dsl
from kfp.aws import use_aws_secret

folder, bucket, role = sys.argv[1:]
sagemaker_train_op = components.load_component_from_file(f"{folder}/train.yaml")
sagemaker_model_op = components.load_component_from_file(f"{folder}/model.yaml")
sagemaker_deploy_op = components.load_component_from_file(f"{folder}/deploy.yaml")
sagemaker_batch_transform_op = components.load_component_from_file(f"{folder}/batch_transform.yaml")
secret = use_aws_secret("aws-secret", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dsl.pipeline(name="MNIST Classification pipeline", description="MNIST Classification using KMEANS")
def mnist_classification(  # noqa: PLR0917 - as it was published
    region="us-west-2",
    image="174872318107.dkr.ecr.us-west-2.amazonaws.com/kmeans:1",
    dataset_path="",
    instance_type="ml.c4.8xlarge",
    instance_count="2",
    volume_size="50",
    model_output_path="",
    batch_transform_input="",
    batch_transform_ouput="",
    role_arn="",
):
    training = sagemaker_train_op(
        region=region,
        image=image,
        channels=[
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3Uri": dataset_path,
                        "S3DataType": "S3Prefix",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "ContentType": "text/csv;label_size=0",
            }
        ],
        hyperparameters={"k": "2", "feature_dim": "3"},
        instance_type=instance_type,
        instance_count=instance_count,
        volume_size=volume_size,
        model_artifact_path=model_output_path,
        role=role_arn,
    ).apply(secret)

    create_model = sagemaker_model_op(
        region=region,
        image=image,
        model_artifact_url=training.outputs["model_artifact_url"],
        model_name=training.outputs["job_name"],
        role=role_arn,
    ).apply(secret)

    sagemaker_deploy_op(region=region, model_name_1=create_model.output).apply(secret)

    sagemaker_batch_transform_op(
        region=region,
        model_name=create_model.output,
        instance_type=instance_type,
        instance_count="1",
        batch_strategy="MultiRecord",
        input_location=batch_transform_input,
        output_location=batch_transform_ouput,
        content_type="text/csv",
        split_type="Line",
        assemble_with="Line",
    ).apply(secret)


kfp.compiler.Compiler().compile(mnist_classification, "mnist-classification-pipeline.zip")
client = kfp.Client()
aws_experiment = client.create_experiment(name="aws")
exp_name = f"mnist-classification-pipeline-{bucket}"
my_run = client.run_pipeline(
    aws_experiment.id,
    exp_name,
    "mnist-classification-pipeline.zip",
    {
        "dataset_path": f"s3://{bucket}/data",
        "model_output_path": f"s3://{bucket}/model",
        "batch_transform_input": f"s3://{bucket}/input",
        "batch_transform_ouput": f"s3://{bucket}/output",
        "role_arn": role,
    },
)
print(client.wait_for_run_completion(my_run.id, 120).run.status)
