"""Breaking parts of the running pipeline, and mending them."""
