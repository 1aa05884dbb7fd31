-- What was delivered in both formats, repetitions included. Times are timestamps in UTC.

-- STOCKSTREAM-TEST is what `stockstream smoke` sends: no bar of anything.
-- A trading day is a date of the exchange: after-hours in New York end on the next day in UTC.
SELECT
  id, instrument, asset_class, interval,
  CAST(at_timezone(from_iso8601_timestamp(open_time), {zone}) AS date) AS trading_day,
  CAST(from_iso8601_timestamp(open_time) AS timestamp(3)) AS open_time,
  CAST(from_iso8601_timestamp(as_of) AS timestamp(3)) AS as_of,
  open, high, low, close, volume, source,
  CAST(from_iso8601_timestamp(arrived_at) AS timestamp(3)) AS arrived_at,
  lookback_bars, {analytics}, dt
FROM (SELECT * FROM bars UNION ALL SELECT * FROM bars_parquet) AS documents
WHERE instrument <> 'STOCKSTREAM-TEST'
