-- daily bars with returns
-- Open, high, low, close and volume of each trading day, and the return since the trading day before, in the shares of today.

SELECT instrument, interval, trading_day, open, high, low, close, volume, bars,
  close / lag(close) OVER (PARTITION BY instrument, interval ORDER BY trading_day) - 1 AS return_1d
FROM (
  SELECT instrument, interval, trading_day, min_by(open, open_time) AS open, max(high) AS high,
    min(low) AS low, max_by(close, open_time) AS close, sum(volume) AS volume, count(*) AS bars
  FROM bars_adjusted
  GROUP BY instrument, interval, trading_day
)
ORDER BY instrument, interval, trading_day
