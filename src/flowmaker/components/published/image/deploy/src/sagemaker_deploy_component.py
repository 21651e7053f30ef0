"""What the published component `deploy` runs."""

import sys

from flowmaker.components.published import deploy, session

sys.exit(session.run(deploy.main))
