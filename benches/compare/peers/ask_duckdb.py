"""The question, in SQL for DuckDB: ask_duckdb.py LOG THREADS."""

import json
import sys

import duckdb

QUESTION = """
with log as materialized (
  select time, resultType as code,
    case when resultType = '404104' or resultType like '500___'
        or (resultType is null and operationName = 'deviceConnect')
      then resourceId || '/' || json_extract_string(properties, '$.deviceId') end as device
  from read_json($log, format = 'newline_delimited', columns = {time: 'TIMESTAMP', resourceId: 'VARCHAR',
    operationName: 'VARCHAR', resultType: 'VARCHAR', properties: 'VARCHAR'})
), after_cut as (
  select device, code,
    time - max(time) filter (code = '404104') over (partition by device order by time) as since
  from log where device is not null and (code is null or code = '404104')
)
select
  (select count(*) from log),
  (select count(*) from log where code = '404104'),
  (select count(distinct device) from log where code like '500___'),
  (select count(distinct device) from after_cut where code is null and since <= interval 60 second)
"""

log, threads = sys.argv[1], int(sys.argv[2])
answers = duckdb.connect(config={"threads": threads}).execute(QUESTION, {"log": log}).fetchone()
print(json.dumps(dict(zip(("records", "disconnects", "failing", "returned"), answers))))
