-- moving average crossovers
-- Where the second simple average of SmaWindows went above the third (up) or below it (down), beside the bar before; with fewer than three, where the close went above or below the first. The newest first.

WITH spreads AS (
  SELECT instrument, interval, open_time, close, {fast} AS fast, {slow} AS slow, {fast} - {slow} AS spread,
    lag({fast} - {slow}) OVER (PARTITION BY instrument, interval ORDER BY open_time) AS previous_spread
  FROM bars_latest
)
SELECT instrument, interval, open_time, CASE WHEN spread > 0 THEN 'up' ELSE 'down' END AS direction,
  close, fast, slow
FROM spreads
WHERE previous_spread <= 0 AND spread > 0 OR previous_spread >= 0 AND spread < 0
ORDER BY open_time DESC, instrument, interval
