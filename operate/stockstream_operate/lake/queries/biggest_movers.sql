-- biggest movers
-- Each instrument's newest close beside the last close of the trading day before, in the shares of today; the greatest moves first, up or down.

WITH closes AS (
  SELECT instrument, interval, trading_day, max_by(close, open_time) AS close
  FROM bars_adjusted
  GROUP BY instrument, interval, trading_day
),
moves AS (
  SELECT *, lag(close) OVER (PARTITION BY instrument, interval ORDER BY trading_day) AS previous_close,
    row_number() OVER (PARTITION BY instrument, interval ORDER BY trading_day DESC) AS age
  FROM closes
)
SELECT instrument, interval, trading_day, previous_close, close, close / previous_close - 1 AS move
FROM moves
WHERE age = 1 AND previous_close IS NOT NULL
ORDER BY abs(close / previous_close - 1) DESC, instrument, interval
LIMIT 20
