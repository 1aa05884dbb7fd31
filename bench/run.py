"""`make bench`: what the transform costs, beside other ways to do its work, in one run."""

import layer
import memory
import parts
import speed
import startup

if __name__ == "__main__":
    speed.compare()
    parts.measure()
    memory.measure()
    startup.measure()
    layer.measure()
