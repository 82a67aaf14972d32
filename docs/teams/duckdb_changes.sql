-- Loads the folder `changes`, which `claude-usage-tracker export --since-last usage.state --format parquet -o changes` wrote,
-- into the table `usage`. Run it in a database file; then delete the folder.
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS usage AS FROM read_parquet('changes/rows.parquet') LIMIT 0;
-- Tables from before there were groups and users.
ALTER TABLE usage ADD COLUMN IF NOT EXISTS "user" VARCHAR DEFAULT '';
ALTER TABLE usage ADD COLUMN IF NOT EXISTS "group" VARCHAR DEFAULT '';
DELETE FROM usage
USING read_parquet('changes/slices.parquet') AS slices
WHERE usage.machine_id = slices.machine_id AND usage.date = slices.date;
INSERT INTO usage BY NAME FROM read_parquet('changes/rows.parquet');
COMMIT;
