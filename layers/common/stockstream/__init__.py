"""What the producer, the transform and the alert function share.

Nothing is imported here, so that each function pays only for the modules that it names.
"""
