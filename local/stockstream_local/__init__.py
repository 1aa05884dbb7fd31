"""The pipeline on one machine: emulator, replay market, command line."""
