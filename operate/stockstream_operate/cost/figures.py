"""What was measured of one bar and one instrument, from which sizes and costs are counted.

Each has the command that measures it. The seconds of a processor are this project's machine's, two shared
virtual ones of 2026; Lambda's may be quicker.
"""

# bench/record_size.py: a record with full look-backs.
RECORD_BYTES = 3_200
# make bench-instruments: a run of one-minute bars, with its AWS clients.
# Up to a hundred instruments take half of these MB.
PRODUCER_MB = 190.0
PRODUCER_MB_AN_INSTRUMENT = 0.021
# Of an instrument's answer and its new bar. Each of Alpha Vantage's is a request, and shows a hundred bars.
# Alpaca's took 6.6 ms when Alpha Vantage's were measured. Today's code takes 0.48 of the time of that day's,
# measured side by side.
PRODUCER_SECONDS = {"alpaca": 0.0032, "alphavantage": 0.016}
# make bench-tail, of equities: units of DynamoDB for the tail of a bar; a bar's seconds of a processor in the
# transform, and its bytes in a file.
WRITE_UNITS_A_BAR = 1.15
READ_UNITS_A_BAR = 1.0
TRANSFORM_SECONDS_A_BAR = 0.00015
STORED_BYTES_A_BAR = 200
# The ledger's item: a thousand tickers, compressed.
LEDGER_BYTES, LEDGER_BYTES_AN_INSTRUMENT = 200, 9
# Lambda's own rule: a whole processor.
WHOLE_PROCESSOR_MB = 1_769
# Guesses on the safe side, until somebody has measured them in AWS: seconds of a run that asks nothing, of
# one that asks, of a call of the transform; KB that a run leaves in the log.
IDLE_SECONDS, ASKING_SECONDS, TRANSFORM_SECONDS, LOG_KB = 0.2, 3.0, 0.3, 0.8
