"""`flowmaker up --quota`, as boto3 hears of it."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.house import house
from tests.training import IMAGE, ROLE

QUOTA = "ml.m5.xlarge for processing job usage"

pytestmark = pytest.mark.slow


def test_a_job_above_its_quota_is_refused_in_the_words_of_aws(data: Path) -> None:
    with house(data, "--quota", f"{QUOTA}=1") as server:
        cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
        with pytest.raises(ClientError, match=f"limit '{QUOTA}' is 1 Instances") as refused:
            server.client("sagemaker").create_processing_job(
                ProcessingJobName="large",
                RoleArn=ROLE,
                AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
                ProcessingResources={"ClusterConfig": cluster},
            )
    assert "ResourceLimitExceeded" in str(refused.value)
