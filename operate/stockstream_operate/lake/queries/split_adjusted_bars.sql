-- split-adjusted bars
-- Each bar as it was traded, and beside it in the shares of today, by the splits that `stockstream split` was told of.

SELECT instrument, interval, open_time,
  traded.open, traded.high, traded.low, traded.close, traded.volume,
  adjusted.open AS adjusted_open, adjusted.high AS adjusted_high, adjusted.low AS adjusted_low,
  adjusted.close AS adjusted_close, adjusted.volume AS adjusted_volume
FROM bars_latest AS traded
JOIN bars_adjusted AS adjusted USING (instrument, interval, open_time)
ORDER BY instrument, interval, open_time
