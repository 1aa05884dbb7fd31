-- Each bar as in bars_latest, its prices and volumes in the shares of today; shares is how many of these one of then has become.

SELECT {columns}, shares
FROM (
  SELECT {in_shares}, shares
  FROM (
    SELECT {columns}, coalesce(multiple, 1) AS shares
    FROM bars_latest
    -- A bar is of one stretch of time between two splits, or comes after the last.
    LEFT JOIN (
      SELECT instrument AS company, shares AS multiple,
        CAST(from_iso8601_timestamp(since) AS timestamp(3)) AS since,
        CAST(from_iso8601_timestamp(until) AS timestamp(3)) AS until
      FROM splits
    ) AS stretches
    ON instrument = company AND open_time < until AND (since IS NULL OR open_time >= since)
  ) AS counted
) AS adjusted ({columns}, shares)
