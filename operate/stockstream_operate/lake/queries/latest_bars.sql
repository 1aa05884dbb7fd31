-- latest bar of each instrument
-- The newest bar of each instrument and interval.

SELECT instrument, interval, open_time, open, high, low, close, volume, return_1, rsi_14, atr_14, as_of
FROM (
  SELECT *, row_number() OVER (PARTITION BY instrument, interval ORDER BY open_time DESC) AS age
  FROM bars_latest
)
WHERE age = 1
ORDER BY instrument, interval
