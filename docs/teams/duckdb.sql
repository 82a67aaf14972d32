-- Usage by month and machine, from a folder `usage` that `claude-usage-tracker export --format parquet -o usage` wrote.
SELECT
    year || '-' || lpad(month::varchar, 2, '0') AS period,
    hostname,
    sum(requests)::bigint AS requests,
    sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens)::bigint AS tokens,
    sum(cost_usd)::varchar AS cost_usd
FROM read_parquet('usage/**/*.parquet', hive_partitioning = true)
GROUP BY ALL
ORDER BY period, hostname;
