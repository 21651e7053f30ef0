"""What the published component `batch_transform` runs."""

import sys

from flowmaker.components.published import batch_transform, session

sys.exit(session.run(batch_transform.main))
