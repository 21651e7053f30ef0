"""IAM's errors, in IAM's words."""

from flowmaker.aws.errors import AwsError


def no_such(what: str, name: str) -> AwsError:
    """`what` as IAM calls it in this sentence: `user`, `role`, `role policy`."""
    return AwsError("NoSuchEntity", f"The {what} with name {name} cannot be found.", 404)


def no_such_policy(arn: str) -> AwsError:
    return AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)


def not_attachable(arn: str) -> AwsError:
    return AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)


def no_such_key(access_key_id: str) -> AwsError:
    message = f"The Access Key with id {access_key_id} cannot be found."
    return AwsError("NoSuchEntity", message, 404)


def exists(what: str, name: str) -> AwsError:
    return AwsError("EntityAlreadyExists", f"{what} with name {name} already exists.", 409)


def conflict(must: str) -> AwsError:
    return AwsError("DeleteConflict", f"Cannot delete entity, must {must} first.", 409)


def limit(quota: str, value: int) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {value}", 409)


def validation(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


def unsupported(what: str) -> AwsError:
    """What IAM or STS has and Flowmaker has not: refused, never ignored."""
    return validation(f"Flowmaker does not support {what}.")


def not_found(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)
