-- split-adjusted bars
-- Each bar as it was traded, and beside it in the shares of today. The splits stand in the list in its first lines; write yours there.

WITH splits (instrument, first_day, new_shares, old_shares) AS (
  -- As `stockstream split --stack NAME` shows them: split 10:1 at 2026-11-23.
  VALUES ('IBM', date '2026-11-23', 10, 1)
),
-- How many shares of today one of then has become.
counted AS (
  SELECT bars.instrument, bars.interval, bars.open_time, bars.open, bars.high, bars.low, bars.close, bars.volume,
    exp(coalesce(sum(ln(CAST(new_shares AS double) / old_shares)), 0)) AS shares
  FROM bars_latest AS bars
  LEFT JOIN splits ON bars.instrument = splits.instrument AND bars.trading_day < splits.first_day
  GROUP BY bars.instrument, bars.interval, bars.open_time, bars.open, bars.high, bars.low, bars.close, bars.volume
)
SELECT instrument, interval, open_time, open, high, low, close, volume,
  open / shares AS adjusted_open, high / shares AS adjusted_high, low / shares AS adjusted_low,
  close / shares AS adjusted_close, volume * shares AS adjusted_volume
FROM counted
ORDER BY instrument, interval, open_time
