"""Settings of buckets that say how it is anyway; what would promise more is refused by name."""

import json

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import configurations, failures
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call

ACCELERATE = "accelerate"
OWNERSHIP = "ownership"
PUT_PAYMENT = (*configurations.PUT, "RequestPaymentConfiguration")
PUT_LOGGING = (*configurations.PUT, "BucketLoggingStatus")
PUT_ACCELERATE = (*configurations.PUT, "AccelerateConfiguration")
PUT_OWNERSHIP = (*configurations.PUT, "OwnershipControls")
PUT_NOTIFICATION = (
    *configurations.PUT, "NotificationConfiguration", "SkipDestinationValidation",
)  # fmt: skip
_ENFORCED = "BucketOwnerEnforced"
#: Kept when the owner has taken the controls away.
_NONE = json.dumps(None)


async def put_bucket_request_payment(ground: Ground, call: Call) -> Answer:
    await bucket_of(ground, call)
    payer = call.parameters["RequestPaymentConfiguration"]["Payer"]
    if payer == "Requester":
        raise failures.not_implemented("The Payer Requester")
    if payer != "BucketOwner":
        raise failures.malformed_xml()
    return {}


async def put_bucket_logging(ground: Ground, call: Call) -> Answer:
    await bucket_of(ground, call)
    if call.parameters["BucketLoggingStatus"].get("LoggingEnabled"):
        raise failures.not_implemented("LoggingEnabled: a log of a bucket's requests")
    return {}


async def put_bucket_notification_configuration(ground: Ground, call: Call) -> Answer:
    await bucket_of(ground, call)
    for name in call.parameters["NotificationConfiguration"]:
        raise failures.not_implemented(f"{name}: a notification of what happens in a bucket")
    return {}


async def put_bucket_accelerate_configuration(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    status = call.parameters["AccelerateConfiguration"].get("Status")
    if status == "Enabled":
        raise failures.not_implemented("Transfer acceleration")
    if status != "Suspended":
        raise failures.malformed_xml()
    await configurations.configure(ground, bucket, ACCELERATE, json.dumps({"Status": status}))
    return {}


async def get_bucket_accelerate_configuration(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    return json.loads(bucket.configurations.get(ACCELERATE, "{}"))


async def put_bucket_ownership_controls(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    for rule in call.parameters["OwnershipControls"]["Rules"]:
        configurations.check_ownership(rule["ObjectOwnership"])
    await configurations.configure(ground, bucket, OWNERSHIP, None)
    return {}


async def get_bucket_ownership_controls(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    if OWNERSHIP in bucket.configurations:
        message = "The bucket ownership controls were not found"
        raise AwsError("OwnershipControlsNotFoundError", message, 404, BucketName=bucket.name)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": _ENFORCED}]}}


async def delete_bucket_ownership_controls(ground: Ground, call: Call) -> Answer:
    """There are none to read any more; an ACL for others stays refused."""
    bucket = await bucket_of(ground, call)
    await configurations.configure(ground, bucket, OWNERSHIP, _NONE)
    return {}
