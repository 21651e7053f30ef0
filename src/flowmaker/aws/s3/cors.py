"""Which web pages may ask a bucket what: the rules of its CORS configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures

CORS = "cors"
_RULES = 100
_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

Rule = Mapping[str, Any]


def check(value: Mapping[str, Any]) -> None:
    """Raise unless every rule could be followed.

    Raises:
        AwsError: MalformedXML, InvalidRequest.
    """
    rules: list[Rule] = value.get("CORSRules") or []
    if not 1 <= len(rules) <= _RULES:
        raise failures.malformed_xml()
    for rule in rules:
        _check(rule)


def _check(rule: Rule) -> None:
    if not rule.get("AllowedMethods") or not rule.get("AllowedOrigins"):
        raise failures.malformed_xml()
    for method in rule["AllowedMethods"]:
        if method not in _METHODS:
            message = "Found unsupported HTTP method in CORS config. Unsupported method is"
            raise failures.invalid_request(f"{message} {method}")
    _check_patterns("AllowedOrigin", rule["AllowedOrigins"])
    _check_patterns("AllowedHeader", rule.get("AllowedHeaders") or [])
    exposed: list[str] = rule.get("ExposeHeaders") or []
    for header in exposed:
        if "*" in header:
            message = f'ExposeHeader "{header}" contains wildcard. We currently do not support'
            raise failures.invalid_request(f"{message} wildcard for ExposeHeader.")


def _check_patterns(name: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if pattern.count("*") > 1:
            message = f'{name} "{pattern}" can not have more than one wildcard.'
            raise failures.invalid_request(message)


def rule_for(
    rules: Sequence[Rule], origin: str, method: str, headers: Sequence[str] = ()
) -> Rule | None:
    """The first rule that lets a page of `origin` send such a request."""
    for rule in rules:
        origins: list[str] = rule["AllowedOrigins"]
        named: list[str] = rule.get("AllowedHeaders") or []
        allowed = [name.lower() for name in named]
        if (
            method in rule["AllowedMethods"]
            and any(_fits(pattern, origin) for pattern in origins)
            and all(any(_fits(one, name.lower()) for one in allowed) for name in headers)
        ):
            return rule
    return None


def answer(rule: Rule, origin: str, headers: Sequence[str] = ()) -> dict[str, str]:
    """The headers that tell a browser what the rule allows it."""
    everyone = "*" in rule["AllowedOrigins"]
    found = {
        "Access-Control-Allow-Origin": "*" if everyone else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
        "Vary": _VARY,
    }
    if not everyone:
        found["Access-Control-Allow-Credentials"] = "true"
    if headers:
        found["Access-Control-Allow-Headers"] = ", ".join(name.lower() for name in headers)
    if rule.get("ExposeHeaders"):
        found["Access-Control-Expose-Headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        found["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    return found


def forbidden(why: str, method: str, *, is_object: bool) -> AwsError:
    """The answer to a preflight that no rule allows."""
    kind = "OBJECT" if is_object else "BUCKET"
    message = f"CORSResponse: {why}"
    return AwsError("AccessForbidden", message, 403, Method=method, ResourceType=kind)


NOT_ENABLED = "CORS is not enabled for this bucket."
NOT_FOUND = "Bucket not found"
NOT_ALLOWED = (
    "This CORS request is not allowed. This is usually because the evalution of Origin, request "
    "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted "
    "by the resource's CORS spec."
)


def _fits(pattern: str, value: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == value
    long_enough = len(value) >= len(before) + len(after)
    return long_enough and value.startswith(before) and value.endswith(after)
