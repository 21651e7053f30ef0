"""Forms that browsers post to a bucket (POST Object): who signed them, and what they put.

The signature is that of the form's policy: version 4, or the older one that boto3 still makes where
it is not told otherwise.
"""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from urllib.parse import quote, urlencode, urlsplit

from flowmaker.aws.auth import post_policy
from flowmaker.aws.auth.canonical import sign, signing_key
from flowmaker.aws.auth.claims import Scope, Signed, read_credential, refuse_other
from flowmaker.aws.auth.forms import Form
from flowmaker.aws.auth.post_policy import Sizes
from flowmaker.aws.auth.sigv4 import Key, KeyStore, find_key, wrong_signature
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol import models, write_xml
from flowmaker.aws.protocol.models import Structure
from flowmaker.aws.protocol.parse_xml import parse_document
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.target import ObjectPath, object_path

#: The older version names no region.
_SCOPE = Scope(date="", region="us-east-1", service="s3")
_VERSION_4 = ("x-amz-credential", "x-amz-date", "x-amz-signature")
#: Fields of the signature: no headers of the object.
_OF_SIGNATURE = frozenset({
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token",
    "x-amz-content-sha256",
})  # fmt: skip
#: Fields that are headers of an object that is put.
_HEADERS = frozenset({
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-md5",
    "content-type", "expires",
})  # fmt: skip
#: Of the request itself: conditions of policies may ask for them.
_KEPT = frozenset({"host", "user-agent", "referer", "x-forwarded-for"})


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedForm(Signed):
    """What a form claims about its signature."""

    policy: str
    is_version_4: bool


def read(form: Form) -> PostedForm:
    """What a form claims about its signature.

    Raises:
        AwsError: there is none, or a part is missing.
    """
    fields = form.fields
    if "policy" not in fields:
        message = "A form needs a signed policy: make it with generate_presigned_post."
        raise AwsError("AccessDenied", message, 403)
    if "awsaccesskeyid" in fields and "x-amz-signature" not in fields:
        access_key_id, scope = fields["awsaccesskeyid"], _SCOPE
        signature = _field(fields, "signature")
    else:
        refuse_other(_field(fields, "x-amz-algorithm"))
        credential, _, signature = (_field(fields, name) for name in _VERSION_4)
        access_key_id, scope = read_credential(credential)
    return PostedForm(
        access_key_id=access_key_id,
        scope=scope,
        signed_headers=(),
        signature=signature,
        date=fields.get("x-amz-date", ""),
        session_token=fields.get("x-amz-security-token"),
        expires=0,
        policy=fields["policy"],
        is_version_4=scope is not _SCOPE,
    )


def _field(fields: Mapping[str, str], name: str) -> str:
    if not fields.get(name):
        message = (
            f"Bucket POST must contain a field named '{name}'.  If it is specified, please check "
            "the order of the fields."
        )
        raise AwsError("InvalidArgument", message, ArgumentName=name, ArgumentValue="")
    return fields[name]


async def authenticate(signed: PostedForm, keys: KeyStore, now: datetime) -> Key:
    """The key whose secret signed the form's policy.

    Raises:
        AwsError: the key is unknown or expired, or did not sign it.
    """
    key = await find_key(signed, keys, now)
    text = signed.policy.encode()
    if signed.is_version_4:
        expected = sign(signing_key(key.secret, signed.scope), text)
    else:
        expected = base64.b64encode(hmac.new(key.secret.encode(), text, hashlib.sha1).digest())
    if not hmac.compare_digest(expected, signed.signature.encode()):
        raise wrong_signature(signed, signed.policy)
    return key


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """An object that a form puts, and how the browser wants to be answered."""

    target: ObjectPath
    #: The PutObject that it comes to.
    request: Request
    file: AsyncIterator[bytes]
    endpoint: str
    redirect: str
    status: str

    def response(self, put: Response) -> Response:
        """The answer to the browser, of the answer to that PutObject."""
        etag = put.headers.get("ETag", "")
        place = f"{self.endpoint}{self.request.path}"
        kept = {
            name: value for name, value in put.headers.items() if name.lower().startswith("x-amz-")
        }
        headers = {**kept, "ETag": etag, "Location": place}
        if _is_address(self.redirect):
            asked = {"bucket": self.target.bucket, "key": self.target.key, "etag": etag}
            more = "&" if urlsplit(self.redirect).query else "?"
            headers["Location"] = f"{self.redirect}{more}{urlencode(asked)}"
            return Response(status=303, headers=headers)
        if self.status == "201":
            headers["Content-Type"] = "application/xml"
            return Response(status=201, headers=headers, body=self._document(place, etag))
        return Response(status=200 if self.status == "200" else 204, headers=headers)

    def _document(self, place: str, etag: str) -> bytes:
        fields = {
            "Location": place,
            "Bucket": self.target.bucket,
            "Key": self.target.key,
            "ETag": etag,
        }
        inner = "".join(
            write_xml.element(name, write_xml.escape(value)) for name, value in fields.items()
        )
        return (write_xml.DECLARATION + write_xml.element("PostResponse", inner)).encode()


def posting(form: Form, signed: PostedForm, request: Request, now: datetime) -> Posting:
    """What a form puts.

    Raises:
        AwsError: its policy does not let it, or it names no key.
    """
    place = object_path(request)
    key = _field(form.fields, "key").replace("${filename}", form.file_name)
    fields = {**form.fields, "key": key}
    sizes = post_policy.check(signed.policy, fields, place.bucket, now)
    target = replace(place, key=key)
    head = "" if target.in_host else f"/{quote(target.bucket)}"
    headers = [(name, value) for name, value in request.header_list if name in _KEPT]
    headers += [(name, value.encode().decode("latin-1")) for name, value in _headers(fields)]
    return Posting(
        target=target,
        request=replace(
            request,
            method="PUT",
            path=f"{head}/{quote(key, safe='/~')}",
            query_string="",
            header_list=tuple(headers),
        ),
        file=_sized(form.file, sizes),
        endpoint=request.endpoint,
        redirect=fields.get("success_action_redirect") or fields.get("redirect", ""),
        status=fields.get("success_action_status", ""),
    )


def _headers(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of the PutObject that the fields come to."""
    found = [
        (name, value)
        for name, value in fields.items()
        if name in _HEADERS or (name.startswith("x-amz-") and name not in _OF_SIGNATURE)
    ]
    if "acl" in fields:
        found.append(("x-amz-acl", fields["acl"]))
    if "tagging" in fields:
        found.append(("x-amz-tagging", _tags(fields["tagging"])))
    return found


def _tags(document: str) -> str:
    """Tags as a header has them, of the XML that a form has."""
    shape = cast("Structure", models.load("s3").shape_for("Tagging"))
    tags = parse_document(shape, document.encode())["TagSet"]
    return urlencode([(tag["Key"], tag["Value"]) for tag in tags])


async def _sized(file: AsyncIterator[bytes], sizes: Sizes) -> AsyncIterator[bytes]:
    """The file, if it is as large as the policy lets it be: it is no object before its end."""
    size = 0
    async for piece in file:
        size += len(piece)
        if sizes.most is not None and size > sizes.most:
            message = "Your proposed upload exceeds the maximum allowed size"
            raise AwsError("EntityTooLarge", message, ProposedSize=size, MaxSizeAllowed=sizes.most)
        yield piece
    if size < sizes.least:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise AwsError("EntityTooSmall", message, ProposedSize=size, MinSizeAllowed=sizes.least)


def _is_address(text: str) -> bool:
    return urlsplit(text).scheme in ("http", "https")
