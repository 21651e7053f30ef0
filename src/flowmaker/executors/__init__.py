"""Where processes run: under a supervisor that outlives the server, in an image's environment."""
