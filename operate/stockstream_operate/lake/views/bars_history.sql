-- Every set of numbers of every bar, once, known from known_from to just before known_until (null while it is the newest).

-- (id, as_of) is one set of numbers, however often it was delivered. The other columns of each PARTITION BY follow
-- from the id; a condition on any of them is applied before the bars are sorted, and not after.
SELECT
  {columns},
  as_of AS known_from,
  lead(as_of) OVER (
    PARTITION BY id, instrument, asset_class, interval, trading_day, open_time ORDER BY as_of
  ) AS known_until
FROM (
  SELECT
    {columns},
    row_number() OVER (
      PARTITION BY id, instrument, asset_class, interval, trading_day, open_time, as_of
      ORDER BY lookback_bars DESC, arrived_at
    ) AS repetition
  FROM {delivered}
) AS repeated
WHERE repetition = 1
