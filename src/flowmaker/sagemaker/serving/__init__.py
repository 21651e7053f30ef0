"""The model server: what answers /ping and /invocations inside an endpoint's container."""
