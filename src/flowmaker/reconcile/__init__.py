"""The durable control loop: what is wanted is in the database, a controller makes it so."""
