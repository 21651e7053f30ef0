"""Answers of REST services: status, headers and payload (sagemaker-runtime, S3)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from flowmaker.aws.protocol import write_xml
from flowmaker.aws.protocol.models import ListShape, OperationModel, ServiceModel, Shape, Structure
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.scalars import write_text
from flowmaker.aws.protocol.write_json import check_members, write_json

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CONTROL_NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"

#: Root elements of S3's answers, which the model does not name. Others: the operation's name and
#: `Result`.
S3_ROOTS = {
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurations": (
        "ListBucketIntelligentTieringConfigurationsOutput"
    ),
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


def write_rest(
    model: ServiceModel,
    operation: OperationModel,
    answer: Mapping[str, Any],
    body: bytes | AsyncIterator[bytes] | None,
) -> Response:
    """`body` is the payload when it is not a member of `answer`."""
    shape = operation.output_shape
    check_members(shape, answer)
    headers: dict[str, str] = {}
    status = operation.http.get("responseCode", 200)
    for name, value in answer.items():
        member = shape.members[name] if shape else None
        if value is None or member is None:
            continue
        if member.serialization.get("location") == "statusCode":
            status = int(value)
        else:
            headers.update(_headers(name, member, value))
    if body is not None:
        return Response(status=status, headers=headers, body=body)
    content_type, payload = _payload(model, operation, answer)
    return Response(status=status, headers=content_type | headers, body=payload)


def _headers(name: str, member: Shape, value: Any) -> dict[str, str]:  # noqa: ANN401
    where = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    if where == "headers":
        return {f"{wire_name}{key}": item for key, item in value.items()}
    if where != "header":
        return {}
    if member.type_name == "list":
        item = cast("ListShape", member).member
        return {wire_name: ",".join(write_text(item, part) for part in value)}
    return {wire_name: write_text(member, value, default_time="rfc822")}


def _payload(
    model: ServiceModel, operation: OperationModel, answer: Mapping[str, Any]
) -> tuple[dict[str, str], bytes]:
    """Content type and bytes of what has no other place."""
    shape = operation.output_shape
    name = shape.serialization.get("payload") if shape else None
    if shape is None or (name and answer.get(name) is None):
        return {}, b""
    if name and shape.members[name].type_name in ("blob", "string"):
        value = answer[name]
        return {}, value.encode() if isinstance(value, str) else value
    inner = cast("Structure", shape.members[name]) if name else shape
    if not name and all(_outside(member) for member in shape.members.values()):
        return {}, b""
    values = answer[name] if name else answer
    if model.protocol == "rest-json":
        inside = {key: item for key, item in values.items() if not _outside(inner.members[key])}
        return {"Content-Type": "application/json"}, write_json(inner, inside)
    space = _CONTROL_NAMESPACE if model.service_name == "s3control" else S3_NAMESPACE
    return _xml_payload(operation, inner, values, wrapped=bool(name), space=space)


def _xml_payload(
    operation: OperationModel,
    shape: Structure,
    values: Mapping[str, Any],
    *,
    wrapped: bool,
    space: str,
) -> tuple[dict[str, str], bytes]:
    root = S3_ROOTS.get(operation.name, f"{operation.name}Result")
    if wrapped:
        root = shape.serialization.get("name", root)
    if operation.name == "GetBucketLocation":  # its only member is the root itself
        inner = write_xml.escape(values.get("LocationConstraint") or "")
    else:
        inner = write_xml.members(shape, values)
    document = write_xml.element(root, inner, write_xml.namespace(space))
    return {"Content-Type": "application/xml"}, (write_xml.DECLARATION + document).encode()


def _outside(member: Shape) -> bool:
    return "location" in member.serialization
