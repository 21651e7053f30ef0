"""What the published component `hyperparameter_tuning` runs."""

import sys

from flowmaker.components.published import session, tune

sys.exit(session.run(tune.main))
