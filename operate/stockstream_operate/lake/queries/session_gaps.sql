-- gaps in a session
-- Where bars are missing between two bars of one trading day; for fx also over midnight, for crypto always. Minutes without trades and lunch breaks show too.

WITH pairs AS (
  SELECT instrument, interval, asset_class, trading_day, open_time,
    lag(open_time) OVER (PARTITION BY instrument, interval ORDER BY open_time) AS previous_time,
    lag(trading_day) OVER (PARTITION BY instrument, interval ORDER BY open_time) AS previous_day,
    CAST(replace(interval, 'min', '') AS integer) AS minutes
  FROM bars_latest
)
SELECT instrument, interval, trading_day, previous_time AS after, open_time AS before,
  date_diff('minute', previous_time, open_time) / minutes - 1 AS missing_bars
FROM pairs
WHERE date_diff('minute', previous_time, open_time) > minutes
  AND (asset_class = 'crypto' OR trading_day = previous_day
    OR asset_class = 'fx' AND date_diff('day', previous_day, trading_day) = 1)
ORDER BY before DESC, instrument, interval
