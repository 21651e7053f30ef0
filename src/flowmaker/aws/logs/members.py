"""Which members of a request the operations honour; any other is refused by its name."""

from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Call

HONOURED = {
    "DescribeLogGroups": {"logGroupNamePrefix", "nextToken", "limit"},
    "DescribeLogStreams": {
        "logGroupName",
        "logGroupIdentifier",
        "logStreamNamePrefix",
        "orderBy",
        "descending",
        "nextToken",
        "limit",
    },
    "GetLogEvents": {
        "logGroupName",
        "logGroupIdentifier",
        "logStreamName",
        "startTime",
        "endTime",
        "nextToken",
        "limit",
        "startFromHead",
        # Nothing is ever masked here.
        "unmask",
    },
    "FilterLogEvents": {
        "logGroupName",
        "logGroupIdentifier",
        "logStreamNames",
        "logStreamNamePrefix",
        "startTime",
        "endTime",
        "filterPattern",
        "nextToken",
        "limit",
        # AWS ignores it since 2019: the answer is always interleaved.
        "interleaved",
        "unmask",
    },
    # Of the classes there is STANDARD.
    "CreateLogGroup": {"logGroupName", "tags", "logGroupClass"},
    "DeleteLogGroup": {"logGroupName"},
    "CreateLogStream": {"logGroupName", "logStreamName"},
    "DeleteLogStream": {"logGroupName", "logStreamName"},
    # AWS ignores the token since 2023.
    "PutLogEvents": {"logGroupName", "logStreamName", "logEvents", "sequenceToken"},
    "PutRetentionPolicy": {"logGroupName", "retentionInDays"},
    "DeleteRetentionPolicy": {"logGroupName"},
    "ListTagsForResource": {"resourceArn"},
    "TagResource": {"resourceArn", "tags"},
    "UntagResource": {"resourceArn", "tagKeys"},
    # As these were called before: Ansible asks so.
    "ListTagsLogGroup": {"logGroupName"},
    "TagLogGroup": {"logGroupName", "tags"},
    "UntagLogGroup": {"logGroupName", "tags"},
}


def check(call: Call) -> None:
    """Refuse what is not honoured.

    Raises:
        AwsError: naming the first such member.
    """
    for member, value in call.parameters.items():
        if member not in HONOURED[call.operation] and value not in (None, False, "", [], {}):
            raise AwsError(
                "InvalidParameterException",
                f"Flowmaker's {call.operation} does not have {member}: leave it out",
            )
