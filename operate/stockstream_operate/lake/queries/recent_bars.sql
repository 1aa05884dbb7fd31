-- bars since a day, from its files alone
-- bars_latest for the bars since a day (UTC), without reading older files. The day before is read too, since a file goes to the day of its first record.

-- Write the day here twice: the day before it, and the day itself.
WITH delivered AS (
  SELECT * FROM bars_delivered WHERE dt >= '2026-11-19'
),
history AS (
  {history}
)
SELECT * FROM history
WHERE known_until IS NULL AND open_time >= timestamp '2026-11-20 00:00:00'
ORDER BY instrument, interval, open_time
