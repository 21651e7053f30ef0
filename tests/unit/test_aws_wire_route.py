"""Which operation, bucket and key a request means."""

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol import models
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.route import Routed, route
from flowmaker.aws.protocol.target import object_path, service_of


def request(method: str, target: str, *, host: str = "127.0.0.1:8080", **headers: str) -> Request:
    path, _, query = target.partition("?")
    named = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(
        method=method, path=path, query_string=query, header_list=(("host", host), *named)
    )


def routed(service: str, method: str, target: str, **headers: str) -> Routed:
    return route(models.load(service), request(method, target, **headers), {})


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/", "ListBuckets"),
        ("GET", "/b", "ListObjects"),
        ("GET", "/b/", "ListObjects"),
        ("GET", "/b?prefix=x&delimiter=%2F", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
        ("GET", "/b?versions", "ListObjectVersions"),
        ("GET", "/b?versions=&prefix=a", "ListObjectVersions"),
        ("GET", "/b?uploads", "ListMultipartUploads"),
        ("GET", "/b?location", "GetBucketLocation"),
        ("GET", "/b?lifecycle", "GetBucketLifecycleConfiguration"),
        ("GET", "/b?notification", "GetBucketNotificationConfiguration"),
        ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration"),
        ("PUT", "/b", "CreateBucket"),
        ("PUT", "/b?versioning", "PutBucketVersioning"),
        ("DELETE", "/b", "DeleteBucket"),
        ("HEAD", "/b", "HeadBucket"),
        ("POST", "/b?delete", "DeleteObjects"),
        ("POST", "/b?delete=", "DeleteObjects"),
        ("GET", "/b/k", "GetObject"),
        ("GET", "/b/k?partNumber=1&x-id=GetObject", "GetObject"),
        ("GET", "/b/k?response-content-type=text%2Fplain&versionId=1", "GetObject"),
        ("GET", "/b/k?uploadId=u", "ListParts"),
        ("GET", "/b/k?tagging", "GetObjectTagging"),
        ("GET", "/b/k?attributes", "GetObjectAttributes"),
        ("HEAD", "/b/k", "HeadObject"),
        ("PUT", "/b/k", "PutObject"),
        ("PUT", "/b/k?uploadId=u&partNumber=1", "UploadPart"),
        ("PUT", "/b/k?uploadId=u", "UploadPart"),
        ("PUT", "/b/k?partNumber=1", "UploadPart"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "DeleteObject"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
        ("POST", "/b/k?select&select-type=2", "SelectObjectContent"),
    ],
)
def test_s3_operations(method: str, target: str, operation: str) -> None:
    assert routed("s3", method, target).operation.name == operation


def test_copies_are_told_by_their_header() -> None:
    source = {"x_amz_copy_source": "/a/b"}
    assert routed("s3", "PUT", "/b/k", **source).operation.name == "CopyObject"
    part = "/b/k?uploadId=u&partNumber=2"
    assert routed("s3", "PUT", part, **source).operation.name == "UploadPartCopy"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "/b?versioning"),
        ("PUT", "/b?uploads"),
        ("DELETE", "/b/k?acl"),
        ("POST", "/b"),
        ("PATCH", "/b/k"),
    ],
)
def test_what_s3_does_not_have_does_nothing(method: str, target: str) -> None:
    with pytest.raises(AwsError) as caught:
        routed("s3", method, target)
    assert (caught.value.code, caught.value.status) == ("MethodNotAllowed", 405)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/b/a/b//c/", "a/b//c/"),
        ("/b//a", "/a"),
        ("/b/../a/./b", "../a/./b"),
        ("/b/a%2Fb%20+c%252F", "a/b +c%2F"),
        ("/b/%C3%BC%0A%00", "ü\n\0"),
    ],
)
def test_keys_are_kept_exactly(path: str, key: str) -> None:
    assert routed("s3", "GET", path).labels == {"Bucket": "b", "Key": key}


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(AwsError) as caught:
        routed("s3", "GET", "/b/%FF")
    assert caught.value.code == "InvalidURI"


@pytest.mark.parametrize(
    ("host", "bucket", "key"),
    [
        ("my.bucket.s3.amazonaws.com", "my.bucket", "a/b"),
        ("bucket.s3.eu-west-1.amazonaws.com:443", "bucket", "a/b"),
        ("bucket.s3-us-west-2.amazonaws.com", "bucket", "a/b"),
        ("bucket.s3.dualstack.eu-west-1.amazonaws.com", "bucket", "a/b"),
        ("bucket.localhost:8080", "bucket", "a/b"),
        ("bucket.s3.localhost:8080", "bucket", "a/b"),
        ("s3.localhost:8080", "a", "b"),
        ("s3.amazonaws.com", "a", "b"),
        ("s3.eu-west-1.amazonaws.com", "a", "b"),
        ("localhost:8080", "a", "b"),
        ("127.0.0.1:8080", "a", "b"),
        ("[::1]:8080", "a", "b"),
        ("flowmaker.example.org", "a", "b"),
    ],
)
def test_buckets_in_hosts(host: str, bucket: str, key: str) -> None:
    found = object_path(request("GET", "/a/b", host=host))
    assert (found.bucket, found.key) == (bucket, key)


def test_operations_of_json_services() -> None:
    target = {"x_amz_target": "SageMaker.CreateTrainingJob"}
    assert routed("sagemaker", "POST", "/", **target).operation.name == "CreateTrainingJob"
    for wrong in ("SageMaker.Create", "Logs_20140328.CreateLogGroup", "CreateTrainingJob", ""):
        with pytest.raises(AwsError, match="sagemaker has no operation") as caught:
            routed("sagemaker", "POST", "/", x_amz_target=wrong)
        assert caught.value.code == "UnknownOperationException"


def test_operations_of_query_services() -> None:
    model = models.load("iam")
    post = request("POST", "/")
    form = {"Action": "GetUser", "Version": "2010-05-08"}
    assert route(model, post, form).operation.name == "GetUser"
    get = request("GET", "/?Action=GetUser&Version=2010-05-08")
    assert route(model, get, {}).operation.name == "GetUser"
    for wrong, code in (
        ({"Action": "GetUsers"}, "InvalidAction"),
        ({"Action": "GetUser", "Version": "2011-01-01"}, "InvalidAction"),
        ({}, "MissingAction"),
    ):
        with pytest.raises(AwsError) as caught:
            route(model, post, wrong)
        assert caught.value.code == code


def test_operations_of_the_runtime() -> None:
    found = routed("sagemaker-runtime", "POST", "/endpoints/my%20name/invocations")
    assert found.operation.name == "InvokeEndpoint"
    assert found.labels == {"EndpointName": "my name"}
    with pytest.raises(AwsError, match="has no operation GET"):
        routed("sagemaker-runtime", "GET", "/endpoints/e/invocations")


def test_one_scope_name_may_be_two_services() -> None:
    both = ["sagemaker", "sagemaker-runtime", "s3"]
    assert service_of("sagemaker", request("POST", "/"), both) == "sagemaker"
    invoke = request("POST", "/endpoints/e/invocations")
    assert service_of("sagemaker", invoke, both) == "sagemaker-runtime"
    assert service_of("s3", request("GET", "/endpoints/e"), both) == "s3"
    assert service_of("dynamodb", request("POST", "/"), both) == ""
