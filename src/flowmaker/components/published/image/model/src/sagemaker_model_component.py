"""What the published component `model` runs."""

import sys

from flowmaker.components.published import model, session

sys.exit(session.run(model.main))
