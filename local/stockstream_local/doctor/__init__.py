"""`stockstream doctor`: what is in the way of a run here, or of a stack in AWS, and how to mend it."""
