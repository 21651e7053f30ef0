"""What service quotas are called: as on AWS, `ml.m5.large for training job usage`."""

import re

_USES = "training job|spot training job|processing job|transform job|endpoint"
NAME = re.compile(rf"ml\.[a-z0-9.-]+ for (?P<use>{_USES}) usage")
