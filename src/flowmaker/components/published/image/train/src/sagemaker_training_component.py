"""What the published component `train` runs."""

import sys

from flowmaker.components.published import session, train

sys.exit(session.run(train.main))
