-- Usage by month and machine, from a folder `usage` that `claude-usage-tracker export --format parquet -o usage` wrote.
SELECT
    formatDateTime(timestamp, '%Y-%m', 'UTC') AS period,
    hostname,
    sum(requests) AS requests,
    sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) AS tokens,
    toString(sum(cost_usd)) AS cost_usd
FROM file('usage/**/*.parquet', Parquet)
GROUP BY period, hostname
ORDER BY period, hostname
