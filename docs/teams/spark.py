"""Usage by month and machine, from a folder `usage` that `claude-usage-tracker export --format parquet -o usage` wrote."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

# Partitions such as month=03 stay text.
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
tokens = f.col("input_tokens") + f.col("output_tokens") + f.col("cache_creation_tokens") + f.col("cache_read_tokens")
usage = spark.read.parquet("usage")
months = (
    usage.groupBy(f.concat_ws("-", "year", "month").alias("period"), "hostname")
    .agg(f.sum("requests"), f.sum(tokens), f.sum("cost_usd").cast("string"))
    .orderBy("period", "hostname")
)
for row in months.collect():
    print(*row, sep="\t")
