-- Each bar once, with its newest numbers.

SELECT {columns} FROM bars_history WHERE known_until IS NULL
