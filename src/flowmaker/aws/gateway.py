"""The life of an AWS request: `Gateway._answer`, read from top to bottom."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowmaker import ids
from flowmaker.aws.auth import forms, payload, posted, signatures
from flowmaker.aws.auth.claims import Signed
from flowmaker.aws.auth.sigv4 import Key, KeyStore
from flowmaker.aws.errors import AwsError
from flowmaker.aws.identity import Authorizer
from flowmaker.aws.protocol import models, parse_query, target
from flowmaker.aws.protocol.asgi import Receive, Receiver, Send, begun, send_response
from flowmaker.aws.protocol.errors import Place, error_response
from flowmaker.aws.protocol.models import ServiceModel
from flowmaker.aws.protocol.parse import parse
from flowmaker.aws.protocol.request import Request, from_scope, text
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.route import Routed, route
from flowmaker.aws.protocol.serialize import serialize
from flowmaker.aws.protocol.validate import validate
from flowmaker.aws.service import Call, Need, Operation, Principal, Service
from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError, InvalidInput, Unavailable

_log = logging.getLogger(__name__)

_MIB = 1 << 20
#: Bytes of a body that is read before it is understood.
_BODY_LIMIT = 10 * _MIB
_BODY_LIMITS = {"sagemaker-runtime": 25 * _MIB}
#: Those that sign as S3 does: the head first, which has the body's hash or says that it has none.
_S3 = ("s3", "s3control")
#: Bytes of an object or of a part; `aws-chunked` adds a little of its own.
_STREAM_LIMIT = 5 << 30
_CHUNKS_LIMIT = 128 * _MIB
#: What a form has beside its file.
_FORM_LIMIT = _MIB
#: Their checksum headers speak of the object, not of the request's body.
_CHECKSUM_OF_OBJECT = ("CompleteMultipartUpload",)


async def _nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


@dataclass(kw_only=True, slots=True)
class _Exchange:
    """A request on its way, and what is known of it so far."""

    request: Request
    receive: Receive
    place: Place
    #: The client's address; empty when it has none.
    client: str = ""
    #: What services other than S3 send: read before the signature can be checked.
    content: bytes = b""
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    #: What S3 sends: read when the signature of the head has been checked.
    signed_body: payload.Payload | None = None
    #: The payload of an operation with a streaming input.
    stream: AsyncIterator[bytes] = field(default_factory=_nothing)


class Gateway:
    """An ASGI application that answers every signed AWS request."""

    def __init__(
        self, services: Sequence[Service], keys: KeyStore, authorizer: Authorizer, clock: Clock
    ) -> None:
        self._operations = {service.name: service.operations() for service in services}
        self._keys = keys
        self._authorizer = authorizer
        self._clock = clock

    def check(self) -> None:
        """Every operation that a service has is one of its model.

        Raises:
            ValueError: naming those that are not.
        """
        for name, operations in self._operations.items():
            unknown = sorted(operations.keys() - set(models.load(name).operation_names))
            if unknown:
                message = f"{name} has no operations {', '.join(unknown)} in botocore's model"
                raise ValueError(message)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        request = from_scope(scope)
        place = Place(
            service="",
            protocol=_guessed_protocol(request),
            request_id=ids.new(),
            method=request.method,
            path=request.path,
        )
        receiver = Receiver(receive, request)
        client: str = (scope.get("client") or ("",))[0]
        exchange = _Exchange(request=request, receive=receiver, place=place, client=client)
        response = await self._answer_or_error(exchange)
        try:
            await send_response(response, request.method, receiver, send)
        except Exception:  # noqa: BLE001 - the connection ends unfinished: that is the error
            _log.exception("The answer to AWS request %s broke off", place.request_id)

    async def _answer_or_error(self, exchange: _Exchange) -> Response:
        try:
            return await begun(await self._answer(exchange))
        except AwsError as error:
            return error_response(error, exchange.place)
        except FlowmakerError as error:
            return error_response(_as_aws(error), exchange.place)
        except Exception:  # noqa: BLE001 - logged, and no traceback reaches a client
            request_id = exchange.place.request_id
            _log.exception("AWS request %s failed", request_id)
            message = f"Something went wrong inside Flowmaker; its log says what at {request_id}."
            return error_response(AwsError("InternalFailure", message, 500), exchange.place)

    async def _answer(self, exchange: _Exchange) -> Response:
        if forms.is_form(exchange.request):
            return await self._answer_form(exchange)
        signed = signatures.read(exchange.request)
        model = await self._identify_service(signed, exchange)
        _refuse_long_body(exchange)
        payload_hash = await _prepare_body(signed, exchange)
        key = await signatures.authenticate(
            signed, exchange.request, payload_hash, self._keys, self._clock.now()
        )
        exchange.request = signatures.meant(signed, exchange.request)
        return await self._perform(model, signed, key, exchange)

    async def _answer_form(self, exchange: _Exchange) -> Response:
        """A browser's form: what it puts is put as if it were PutObject."""
        model = models.loaded("s3") or await asyncio.to_thread(models.load, "s3")
        exchange.place = replace(exchange.place, service="s3", protocol=model.protocol)
        raw = payload.pieces(exchange.receive, _STREAM_LIMIT + _FORM_LIMIT)
        form = await forms.read(raw, exchange.request.headers["content-type"])
        signed = posted.read(form)
        now = self._clock.now()
        key = await posted.authenticate(signed, self._keys, now)
        posting = posted.posting(form, signed, exchange.request, now)
        exchange.request = posting.request
        exchange.signed_body = payload.Payload(posting.file, signed, posting.request)
        return posting.response(await self._perform(model, signed, key, exchange))

    async def _perform(
        self, model: ServiceModel, signed: Signed, key: Key, exchange: _Exchange
    ) -> Response:
        """What is asked, by whoever's signature is right."""
        routed = route(model, exchange.request, exchange.form)
        signatures.check_covers(signed, routed.operation.http["requestUri"])
        operation = self._implemented(model, routed)
        await _read_body(routed, key, exchange)
        parameters = parse(model, routed, exchange.request, exchange.content, exchange.form)
        validate(model, routed.operation, parameters)
        call = _call(signed, key, routed, parameters, exchange)
        about = _context(signed, exchange)
        needs = [_within(need, about) for need in await operation.needs(call)]
        await self._authorizer.check(call.principal, needs, region=call.region)
        answer = await operation.handler(call)
        await _finish_body(exchange)
        return serialize(model, routed.operation, answer, call.request_id)

    async def _identify_service(self, signed: Signed, exchange: _Exchange) -> ServiceModel:
        """By the credential scope; from here on errors have the service's own form."""
        name = target.service_of(signed.scope.service, exchange.request, self._operations)
        if not name:
            if signed.scope.service == "ec2":  # the one service that has a protocol to itself
                exchange.place = replace(exchange.place, protocol="ec2")
            known = ", ".join(sorted(self._operations))
            message = f"Flowmaker has no AWS service '{signed.scope.service}'. It has {known}."
            raise AwsError("NotImplemented", message, 501)
        model = models.loaded(name) or await asyncio.to_thread(models.load, name)
        place = exchange.place
        exchange.place = Place(
            service=name,
            protocol=model.protocol,
            request_id=place.request_id,
            method=place.method,
            path=place.path,
        )
        return model

    def _implemented(self, model: ServiceModel, routed: Routed) -> Operation:
        name = routed.operation.name
        operation = self._operations[model.service_name].get(name)
        if operation is None:
            message = f"Flowmaker does not support {name} of {model.service_name}."
            raise AwsError("NotImplemented", message, 501)
        return operation


def is_aws_request(scope: Mapping[str, Any]) -> bool:
    """Whether a request of the one port is for AWS: it carries a signature, of whichever kind."""
    for name, value in scope.get("headers", ()):
        if name.lower() == b"authorization":
            return value.startswith((b"AWS4-", b"AWS "))
    query: bytes = scope.get("query_string", b"")
    names = {part.partition(b"=")[0] for part in query.split(b"&")}
    return bool(
        names & {b"X-Amz-Signature", b"X-Amz-Algorithm"}
        or names >= {b"AWSAccessKeyId", b"Signature"}
    )


# --- the steps ---


def _body_limit(service: str) -> int:
    return _BODY_LIMITS.get(service, _BODY_LIMIT)


def _refuse_long_body(exchange: _Exchange) -> None:
    """Before a byte of it is read."""
    headers = exchange.request.headers
    length = headers.get("x-amz-decoded-content-length", headers.get("content-length", "0"))
    service = exchange.place.service
    limit = _STREAM_LIMIT if service in _S3 else _body_limit(service)
    if length.isdecimal() and int(length) > limit:
        raise payload.too_large(limit)


async def _prepare_body(signed: Signed, exchange: _Exchange) -> str:
    """The hash of the body that stands in the signature."""
    service = exchange.place.service
    if service in _S3:
        raw = payload.pieces(exchange.receive, _STREAM_LIMIT + _CHUNKS_LIMIT)
        meant = signatures.meant(signed, exchange.request)
        exchange.signed_body = payload.Payload(raw, signed, meant)
        return exchange.signed_body.said
    limit = _body_limit(service)
    exchange.content = await payload.whole(payload.pieces(exchange.receive, limit), limit)
    if exchange.place.protocol == "query":
        exchange.form = parse_query.read_form(exchange.content)
    return await payload.hash_of(exchange.content)


async def _read_body(routed: Routed, key: Key, exchange: _Exchange) -> None:
    """A body that is no stream is read and verified before anyone looks at it."""
    if exchange.signed_body is None:
        return
    checksums = routed.operation.name not in _CHECKSUM_OF_OBJECT
    exchange.signed_body.start(key.secret, checksums=checksums)
    if models.has_stream(routed.operation.input_shape):
        exchange.stream = aiter(exchange.signed_body)
    else:
        exchange.content = await payload.whole(exchange.signed_body, _BODY_LIMIT)


def _call(
    signed: Signed, key: Key, routed: Routed, parameters: dict[str, Any], exchange: _Exchange
) -> Call:
    request, place = exchange.request, exchange.place
    return Call(
        service=place.service,
        operation=routed.operation.name,
        parameters=parameters,
        principal=_principal(key.principal, signed.access_key_id),
        region=signed.scope.region,
        request_id=place.request_id,
        body=exchange.stream,
        headers={name: text(value) for name, value in request.headers.items()},
        endpoint=request.endpoint,
        method=request.method,
        path=request.path,
        query=request.query,
        trailers=exchange.signed_body.trailers if exchange.signed_body else {},
    )


def _principal(of_key: Principal, access_key_id: str) -> Principal:
    """With the key that it used. Spelled out, as `_within`: `replace` takes ten times as long."""
    return Principal(
        account=of_key.account,
        arn=of_key.arn,
        user_id=of_key.user_id,
        access_key_id=access_key_id,
        session_policies=of_key.session_policies,
        session_tags=of_key.session_tags,
        transitive_tags=of_key.transitive_tags,
        source_identity=of_key.source_identity,
    )


def _context(signed: Signed, exchange: _Exchange) -> Mapping[str, str]:
    """Condition keys about the request itself, for policies that ask where it comes from."""
    headers = exchange.request.headers
    found = {
        "aws:SourceIp": exchange.client,
        "aws:UserAgent": headers.get("user-agent", ""),
        "aws:Referer": headers.get("referer", ""),
    }
    if exchange.place.service in _S3:
        found.update(signatures.context(signed))
    return {name: value for name, value in found.items() if value}


def _within(need: Need, context: Mapping[str, str]) -> Need:
    return Need(
        action=need.action,
        resource=need.resource,
        context={**context, **need.context},
        resource_policy=need.resource_policy,
        owner=need.owner,
    )


async def _finish_body(exchange: _Exchange) -> None:
    """A handler that did not read its stream to the end has not seen it verified."""
    async for _ in exchange.stream:
        pass


# --- errors ---


def _guessed_protocol(request: Request) -> str:
    """What a client whose service is not known yet can probably read."""
    headers = request.headers
    if "x-amz-target" in headers:
        return "json"
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if form or "Action=" in request.query_string:
        return "query"
    authorization = headers.get("authorization", "")
    signed_as_s3 = "/s3/" in authorization or authorization.startswith("AWS ")
    in_query = not authorization
    return "rest-xml" if signed_as_s3 or in_query else "rest-json"


def _as_aws(error: FlowmakerError) -> AwsError:
    """What a lower layer says, where no service has put it into its own words."""
    if isinstance(error, InvalidInput):
        return AwsError("ValidationException", error.message)
    if isinstance(error, Unavailable):
        return AwsError("ServiceUnavailable", error.message, 503)
    return AwsError("InternalFailure", error.message, 500)
