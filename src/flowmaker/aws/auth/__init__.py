"""Who signed a request, and whether they may: signatures, policies, decisions."""
