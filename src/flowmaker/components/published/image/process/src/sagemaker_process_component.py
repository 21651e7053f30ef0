"""What the published component `process` runs."""

import sys

from flowmaker.components.published import process, session

sys.exit(session.run(process.main))
