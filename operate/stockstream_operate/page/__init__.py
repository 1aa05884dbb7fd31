"""A page of candles for one lake, in a browser on this machine: `stockstream page`."""
