-- as known at a moment
-- Each bar as it was known at the moment in the first line (UTC), with nothing that came later.

WITH asked AS (SELECT timestamp '2026-11-20 17:00:00' AS moment)
SELECT bars_history.*
FROM bars_history CROSS JOIN asked
WHERE known_from <= moment AND (known_until > moment OR known_until IS NULL)
ORDER BY instrument, interval, open_time
